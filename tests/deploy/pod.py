"""What no schema can know of the pod: that its parts agree with each other and with the server."""

import re
import subprocess

from tree import pod_of, port_of, seconds, server_of, settings, flags_in

LISTENERS = {"grpc": "listen", "admin": "admin-listen", "metrics": "metrics-listen"}

# A shorter recovery than this is not to be relied on.
LEAST_RECOVERY_SECONDS = 600

# For the last commit, once the drain is over.
LEAST_SPARE_SECONDS = 10


def known_flags(tree):
    """Flags of `serve`, of its binary or else of its source, and which of both."""
    if tree.binary:
        text = subprocess.run([tree.binary, "serve", "--help"], capture_output=True, text=True, check=True).stdout
        return set(re.findall(r"^\s+--([a-z-]+)", text, re.MULTILINE)), f"{tree.binary.name} serve --help"
    folder = tree.repository / "server/src/config"
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*flags.rs")))
    return set(re.findall(r'"([a-z-]+)",\s*"WAIKA_', text)), "the flags' source"


def flags(tree):
    known, source = known_flags(tree)
    wrong, count = [], 0
    for _, _, doc in tree.stateful_sets():
        given = settings(server_of(doc))
        count += len(given)
        if not given:
            wrong.append(f"{doc.where}: no container waika-server with settings: name the container so")
        for name in sorted(set(given) - known):
            wrong.append(f"{doc.where}: --{name} (or its variable) is no flag of the server: see waika-server serve --help")
    unit = tree.text("systemd/waika-server.service")
    given = flags_in(unit_command(unit).split())
    count += len(given)
    for name in sorted(set(given) - known):
        wrong.append(f"systemd/waika-server.service: --{name} is no flag of the server: see waika-server serve --help")
    return count, list(dict.fromkeys(wrong)), f"by {source}"


def unit_command(text):
    """ExecStart, its lines joined."""
    joined = re.sub(r"\\\n\s*", "", text)
    found = re.search(r"^ExecStart=(.*)$", joined, re.MULTILINE)
    return found[1] if found else ""


def ports(tree):
    """Listeners, the container's ports, probes, Services, network policies and annotations name the same."""
    wrong, count = [], 0
    for overlay, docs, doc in tree.stateful_sets():
        container = server_of(doc)
        given = settings(container)
        named = {one.get("name"): one.get("containerPort") for one in container.get("ports", [])}
        count += len(named)
        for name, flag in LISTENERS.items():
            listens = port_of(given.get(flag, ""))
            if named.get(name) != listens:
                wrong.append(f"{doc.where}: port {name} is {named.get(name)} and --{flag} is {listens}: make them one")
        numbers = set(named.values())
        wrong += [f"{doc.where}: {text}" for text in probe_ports(container, named)]
        annotations = doc.spec.get("template", {}).get("metadata", {}).get("annotations", {})
        scraped = annotations.get("prometheus.io/port")
        if scraped and int(scraped) != named.get("metrics"):
            wrong.append(f"{doc.where}: prometheus.io/port is {scraped}, metrics are on {named.get('metrics')}")
        for service in (one for one in docs if one.kind == "Service"):
            for one in service.spec.get("ports", []):
                count += 1
                target = one.get("targetPort", one.get("port"))
                if target not in named and target not in numbers:
                    wrong.append(f"{service.where}: Service {service.name}: targetPort {target} is no port of the container")
                elif named.get(target, target) != one.get("port"):
                    wrong.append(f"{service.where}: Service {service.name}: port {one.get('port')} leads to {named.get(target)}")
                if listens_on_loopback(given, named, target):
                    wrong.append(f"{service.where}: Service {service.name}: {target} listens on loopback, where no Service comes")
                if one.get("appProtocol") not in ("kubernetes.io/h2c", "grpc"):
                    wrong.append(f"{service.where}: Service {service.name}: say appProtocol: kubernetes.io/h2c")
        if overlay == "kubernetes":
            rules = [rule for policy in docs if policy.kind == "NetworkPolicy" for rule in policy.spec.get("ingress", [])]
            allowed = {one["port"] for rule in rules for one in rule.get("ports", [])}
            if not allowed <= numbers:
                wrong.append(f"kubernetes/network-policy.yaml: lets in to {sorted(allowed - numbers)}, where nothing listens")
            if named.get("grpc") not in allowed:
                wrong.append("kubernetes/network-policy.yaml: keeps callers out: allow the port of the server")
    for doc in (one for one in tree.sources if one.kind == "PodMonitor"):
        for one in doc.spec.get("podMetricsEndpoints", []):
            count += 1
            if one.get("port") != "metrics":
                wrong.append(f"{doc.where}: PodMonitor {doc.name}: port {one.get('port')} is no port of the container: metrics")
    return count, list(dict.fromkeys(wrong)), "listeners, container, probes, Services, policies, annotations"


def listens_on_loopback(given, named, target):
    for name, flag in LISTENERS.items():
        if target in (name, named.get(name)):
            return given.get(flag, "").startswith(("127.", "[::1]"))
    return False


def probe_ports(container, named):
    for probe, port in (("startupProbe", "grpc"), ("readinessProbe", "grpc")):
        asked = container.get(probe, {}).get("grpc", {}).get("port")
        if asked != named.get(port):
            yield f"{probe} asks port {asked}, health is on {named.get(port)}"
    page = container.get("livenessProbe", {}).get("httpGet", {})
    if page.get("path") != "/metrics" or page.get("port") not in ("metrics", named.get("metrics")):
        yield f"livenessProbe asks {page or 'something else'}: it must not hang on the store: GET /metrics does not"


def drain(tree):
    """Whoever ends the server waits as long as it may take to end."""
    wrong, count = [], 0
    for _, _, doc in tree.stateful_sets():
        count += 1
        container, pod = server_of(doc), pod_of(doc)
        given = settings(container)
        wait, limit = seconds(given.get("drain-wait", "0s")), seconds(given.get("drain-timeout", "10s"))
        grace = pod.get("terminationGracePeriodSeconds", 30)
        if wait is None or limit is None:
            wrong.append(f"{doc.where}: --drain-wait or --drain-timeout is no duration: write 5s")
            continue
        if grace < wait + limit + LEAST_SPARE_SECONDS:
            need = wait + limit + LEAST_SPARE_SECONDS
            wrong.append(f"{doc.where}: terminationGracePeriodSeconds is {grace}, and a drain may take {wait + limit:g} s: give {need:g}")
        ready = container.get("readinessProbe", {})
        unseen = ready.get("periodSeconds", 10) * ready.get("failureThreshold", 3)
        if wait < unseen:
            wrong.append(f"{doc.where}: --drain-wait is {wait:g} s, and readiness takes {unseen} s to notice: wait longer, or probe more often")
        startup = container.get("startupProbe", {})
        if startup.get("periodSeconds", 10) * startup.get("failureThreshold", 3) < LEAST_RECOVERY_SECONDS:
            wrong.append(f"{doc.where}: startupProbe kills a server that recovers for {LEAST_RECOVERY_SECONDS} s: raise failureThreshold")
        annotations = doc.spec.get("template", {}).get("metadata", {}).get("annotations", {})
        stays = re.search(r"terminationDrainDuration: (\S+)", annotations.get("proxy.istio.io/config", ""))
        if stays and not wait + limit <= seconds(stays[1]) <= grace:
            wrong.append(f"{doc.where}: terminationDrainDuration {stays[1]} must lie between {wait + limit:g} s and {grace} s")
    return count, wrong, "drain, grace, readiness, recovery, the proxy's end"


def hardening(tree):
    """What the restricted pod security standard and this server need."""
    wrong, count = [], 0
    for _, _, doc in tree.stateful_sets():
        pod = pod_of(doc)
        of_pod = pod.get("securityContext", {})
        expected = [
            (of_pod.get("runAsNonRoot") is True, "runAsNonRoot: true"),
            (of_pod.get("runAsUser", 0) > 0, "runAsUser: a number that is not 0"),
            (of_pod.get("seccompProfile", {}).get("type") == "RuntimeDefault", "seccompProfile: RuntimeDefault"),
            (pod.get("automountServiceAccountToken") is False, "automountServiceAccountToken: false"),
            (pod.get("enableServiceLinks") is False, "enableServiceLinks: false, or a Service's variables begin with WAIKA_"),
            (doc.spec.get("replicas") == 1, "replicas: 1, since each has books of its own"),
        ]
        for container in pod.get("initContainers", []) + pod.get("containers", []):
            own, name = container.get("securityContext", {}), container.get("name")
            expected += [
                (own.get("allowPrivilegeEscalation") is False, f"{name}: allowPrivilegeEscalation: false"),
                (own.get("readOnlyRootFilesystem") is True, f"{name}: readOnlyRootFilesystem: true"),
                (own.get("capabilities", {}).get("drop") == ["ALL"], f"{name}: capabilities: drop: [ALL]"),
                ("memory" in container.get("resources", {}).get("limits", {}), f"{name}: a limit of memory"),
            ]
        cores = settings(server_of(doc)).get("cores")
        asked = server_of(doc).get("resources", {}).get("requests", {}).get("cpu")
        expected.append((cores == str(asked), f"--cores {cores} and requests.cpu {asked}: make them one"))
        count += len(expected)
        wrong += [f"{doc.where}: {what}" for is_so, what in expected if not is_so]
        wrong += [f"{doc.where}: {text}" for text in key_reaches_the_server(pod, of_pod, doc)]
    return count, list(dict.fromkeys(wrong)), "security contexts, resources, the key's mode"


def key_reaches_the_server(pod, of_pod, doc):
    """A Secret's volume under fsGroup has files that the group reads, which the server refuses."""
    key = settings(server_of(doc)).get("key-file", "")
    mounts = {one["mountPath"]: one["name"] for one in server_of(doc).get("volumeMounts", [])}
    volumes = {one["name"]: one for one in pod.get("volumes", [])}
    volume = volumes.get(mounts.get(key.rpartition("/")[0]), {})
    if not volume:
        yield f"--key-file {key} is on no volume: mount one at its folder"
    elif "secret" in volume and of_pod.get("fsGroup"):
        yield "the key is on a Secret's volume, which fsGroup makes readable by the group: copy it with mode 0400 as an init container"
    copied = [one for one in pod.get("initContainers", []) if key in one.get("command", [])]
    if "emptyDir" in volume and not any("0400" in one["command"] for one in copied):
        yield f"nothing copies the key to {key} with mode 0400"
    if volume.get("emptyDir", {}).get("medium") != "Memory":
        yield "the key's copy would be on the node's disk: emptyDir with medium: Memory"


def selectors(tree):
    """Whoever selects the pod selects it, and no name leads nowhere."""
    wrong, count = [], 0
    for _, docs, doc in tree.stateful_sets():
        labels = doc.spec.get("template", {}).get("metadata", {}).get("labels", {})
        for one in [*docs, *(one for one in tree.sources if one.kind == "PodMonitor")]:
            selector = one.spec.get("podSelector", one.spec.get("selector"))
            if not isinstance(selector, dict):
                continue
            count += 1
            chosen = selector.get("matchLabels", selector)
            if not chosen or not set(chosen.items()) <= set(labels.items()):
                wrong.append(f"{one.where}: {one.kind} {one.name} selects {chosen}, and the pod has {labels}")
        names = {(one.kind, one.name) for one in docs}
        for kind, name in (("Service", doc.spec.get("serviceName")), ("ServiceAccount", pod_of(doc).get("serviceAccountName"))):
            count += 1
            if (kind, name) not in names:
                wrong.append(f"{doc.where}: there is no {kind} {name}")
    return count, list(dict.fromkeys(wrong)), "labels, and names that are referred to"


SECRETS = (r"waika-key-1 [0-9a-fA-F]{16}", r"-----BEGIN [A-Z ]*PRIVATE KEY", r"\beyJ[A-Za-z0-9_-]{20,}", r"\bAKIA[0-9A-Z]{16}\b")


def secrets(tree):
    """Nothing that has to be kept lies in a file here."""
    wrong, count = [], 0
    for path in sorted(one for one in tree.root.rglob("*") if one.is_file()):
        count += 1
        text = path.read_text(encoding="utf-8", errors="replace")
        name = path.relative_to(tree.root)
        wrong += [f"{name}: holds a secret ({pattern}): name a Secret that is made by hand" for pattern in SECRETS if re.search(pattern, text)]
    for doc in tree.sources:
        if doc.kind == "Secret":
            wrong.append(f"{doc.where}: Secret {doc.name}: is made by hand or by a secret store, never by a file here")
        if doc.kind == "StatefulSet":
            for one in server_of(doc).get("env", []):
                if re.search(r"password|token|secret", one.get("name", ""), re.IGNORECASE) and "value" in one:
                    wrong.append(f"{doc.where}: {one['name']} has a value in the file: valueFrom a Secret")
    return count, wrong, "files"


def images(tree):
    """One name and version of the server's image everywhere, and no image that moves."""
    wrong, count, ours = [], 0, set()
    manifest = (tree.repository / "Cargo.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "([^"]+)"', manifest, re.MULTILINE)[1]
    for _, _, doc in tree.stateful_sets():
        pod = pod_of(doc)
        for container in pod.get("initContainers", []) + pod.get("containers", []):
            count += 1
            image = container.get("image", "")
            if not re.search(r"(:[^/:]*\d[^/:]*|@sha256:[0-9a-f]{64})$", image):
                wrong.append(f"{doc.where}: image {image} names no version: what runs would change by itself")
        ours.add(server_of(doc).get("image", ""))
        label = doc.spec.get("template", {}).get("metadata", {}).get("labels", {}).get("app.kubernetes.io/version")
        if label != version:
            wrong.append(f"{doc.where}: app.kubernetes.io/version is {label}, Cargo.toml says {version}")
    if ours != {f"waika-server:{version}"}:
        wrong.append(f"kubernetes/kustomization.yaml: the server's image is {sorted(ours)}, expected waika-server:{version} everywhere")
    containerfile = tree.text("Containerfile")
    for said in (f'image.version="{version}"', f"waika-server:{version}"):
        if said not in containerfile:
            wrong.append(f"Containerfile: does not say {said}, Cargo.toml does")
    return count, list(dict.fromkeys(wrong)), f"version {version}"
