"""What no schema can know of the meshes: that only what is safe is retried, and that names lead somewhere."""

import re
import tomllib

from tree import server_of, settings

READS = ("Get", "List", "Quote")


def contract(tree):
    """Each RPC of the contract: whether its request carries an idempotency key, and whether it streams."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((tree.repository / "proto/waika/v1").glob("*.proto")))
    keyed = {name: "string idempotency_key" in body for name, body in re.findall(r"^message (\w+) \{(\}|.*?^\})", text, re.S | re.M)}
    rpcs = {}
    for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.S | re.M):
        for name, up, request, down in re.findall(r"rpc (\w+)\((stream )?(\w+)\) returns \((stream )?\w+\)", body):
            rpcs[f"waika.v1.{service}", name] = (keyed.get(request, False), bool(up or down))
    return rpcs


def retried(tree):
    """(where, layer, service, method) of all that a mesh sends again, and what is wrong with how."""
    found, wrong = [], []
    for docs in tree.overlays().values():
        for doc in docs:
            if doc.kind == "VirtualService":
                for route in doc.spec.get("http", []):
                    found += istio_route(doc, route, wrong)
            elif doc.kind == "GRPCRoute":
                found += linkerd_route(doc, wrong)
    return found, wrong


# Calls that never arrived, and calls that were told so: no status that may follow from something that was done.
RETRY_ON = "connect-failure,refused-stream,unavailable"


def istio_route(doc, route, wrong):
    retries, at = route.get("retries"), f"{doc.where}: route {route.get('name')}"
    if retries is None:
        wrong.append(f"{at}: without retries Istio retries twice: write attempts: 0")
        return []
    if retries.get("attempts") == 0:
        return []
    if retries.get("attempts") != 1 or retries.get("retryOn") != RETRY_ON:
        wrong.append(f"{at}: retries {retries}: attempts: 1 and retryOn: {RETRY_ON} are safe, and no more")
    if not route.get("match"):
        wrong.append(f"{at}: retries whatever comes: match the RPCs that may be")
    paths = [match.get("uri", {}).get("exact", "") for match in route.get("match", [])]
    return [(at, *path.strip("/").rpartition("/")[::2]) for path in paths]


def linkerd_route(doc, wrong):
    annotations = doc.body.get("metadata", {}).get("annotations", {})
    condition, limit = annotations.get("retry.linkerd.io/grpc"), annotations.get("retry.linkerd.io/limit", "1")
    if condition is None:
        return []
    if condition != "unavailable" or limit != "1":
        wrong.append(f"{doc.where}: {doc.name}: retries {condition}, {limit} times: unavailable, once, is safe, and no more")
    methods = [match.get("method", {}) for rule in doc.spec.get("rules", []) for match in rule.get("matches", [])]
    if any(not rule.get("matches") for rule in doc.spec.get("rules", [])):
        wrong.append(f"{doc.where}: {doc.name}: retries whatever comes: match the RPCs that may be")
    return [(f"{doc.where}: {doc.name}", one.get("service", ""), one.get("method", "")) for one in methods]


def retries(tree):
    rpcs = contract(tree)
    found, wrong = retried(tree)
    for at, service, method in found:
        is_keyed, streams = rpcs.get((service, method), (None, None))
        if is_keyed is None:
            wrong.append(f"{at}: there is no RPC {service}/{method} in the contract")
        elif streams or not (is_keyed or method.startswith(READS)):
            wrong.append(f"{at}: {service}/{method} streams, or carries no idempotency key and changes something: take it out")
    for doc in tree.sources:
        annotations = doc.body.get("metadata", {}).get("annotations", {})
        if doc.kind == "Service" and any(name.startswith("retry.linkerd.io/") for name in annotations):
            wrong.append(f"{doc.where}: {doc.name}: retries every call to the Service: annotate a route instead")
    return len(found), list(dict.fromkeys(wrong)), "RPCs, against the contract"


def callers(tree):
    """Istio's policy and the server's list of callers let the same identities make the same calls."""
    if "istio" not in tree.rendered:
        return None, [], "without kubectl overlays are not rendered"
    listed = {one["id"].removeprefix("spiffe://"): set(one["may"]) for one in tomllib.loads(tree.text("istio/callers.toml"))["caller"]}
    allowed = {}
    for doc in tree.rendered["istio"]:
        for rule in doc.spec.get("rules", []) if doc.group == "security.istio.io" else ():
            principals = [name for one in rule.get("from", []) for name in one.get("source", {}).get("principals", [])]
            paths = {path.strip("/") for one in rule.get("to", []) for path in one.get("operation", {}).get("paths", [])}
            for principal in principals:
                allowed.setdefault(principal, set()).update(path for path in paths if not path.startswith("grpc.health"))
    wrong = []
    for name in sorted(set(listed) | set(allowed)):
        if listed.get(name) != allowed.get(name):
            wrong.append(f"istio/callers.toml: {name} may {sorted(listed.get(name, []))}, policy.yaml says {sorted(allowed.get(name, []))}")
    rpcs = {f"{service}/{method}" for service, method in contract(tree)}
    rpcs |= {f"{service}/*" for service, _ in contract(tree)}
    for name, calls in listed.items():
        wrong += [f"istio/callers.toml: {name}: there is no {call} in the contract" for call in sorted(calls - rpcs)]
    return len(set(listed) | set(allowed)), wrong, "identities"


def references(tree):
    """Routes, policies and hosts that name something name what is there."""
    wrong, count = [], 0
    for overlay, docs in tree.overlays().items():
        names = {(one.kind, one.name) for one in docs}
        ports = {one.name: {port.get("port") for port in one.spec.get("ports", [])} for one in docs if one.kind == "Service"}
        for doc in docs:
            refs = [doc.spec.get("targetRef"), *doc.spec.get("requiredAuthenticationRefs", []), *doc.spec.get("parentRefs", [])]
            refs += [{"kind": "Service", **back} for rule in doc.spec.get("rules", []) for back in rule.get("backendRefs", [])]
            for one in filter(None, refs):
                count += 1
                if (one.get("kind"), one.get("name")) not in names:
                    wrong.append(f"{doc.where}: {doc.kind} {doc.name}: there is no {one.get('kind')} {one.get('name')}")
                elif one.get("kind") == "Service" and one.get("port") not in ports[one["name"]]:
                    wrong.append(f"{doc.where}: {doc.kind} {doc.name}: Service {one['name']} has no port {one.get('port')}")
            for host, port in hosts(doc):
                count += 1
                service, _, namespace = host.removesuffix(".svc.cluster.local").partition(".")
                if service not in ports or namespace != "waika" or (port and port not in ports[service]):
                    wrong.append(f"{doc.where}: {doc.kind} {doc.name}: {host} port {port} is no Service of ours")
    return count, list(dict.fromkeys(wrong)), "references to Servers, routes, identities, Services"


def hosts(doc):
    if doc.group != "networking.istio.io":
        return
    for host in [doc.spec.get("host"), *doc.spec.get("hosts", [])]:
        if host:
            yield host, None
    for route in doc.spec.get("http", []):
        for one in route.get("route", []):
            destination = one.get("destination", {})
            yield destination.get("host", ""), destination.get("port", {}).get("number")


def identity(tree):
    """The header of a mesh's proxy is believed only where the proxy alone comes from."""
    wrong, count = [], 0
    for overlay, _, doc in tree.stateful_sets():
        given = settings(server_of(doc))
        count += 1
        proxy, header = given.get("identity-proxy"), given.get("identity-header")
        if proxy and proxy.startswith("127.") and overlay == "istio" and proxy != "127.0.0.6":
            wrong.append(f"{doc.where}: --identity-proxy {proxy}: kubectl port-forward comes from there too; Istio's proxy from 127.0.0.6")
        if header == "l5d-client-id":
            wrong.append(f"{doc.where}: l5d-client-id: Linkerd's proxy comes from the pod's address, which --identity-proxy does not take")
        is_open = not given.get("admin-listen", "127.").startswith(("127.", "[::1]"))
        if is_open and not (header and given.get("callers")):
            wrong.append(f"{doc.where}: --admin-listen {given.get('admin-listen')}: anybody would be an operator: listen on loopback")
    return count, wrong, "who is believed"
