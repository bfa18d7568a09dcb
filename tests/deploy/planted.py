"""Mistakes that are put into a copy of server/deploy, to see that each is found and named."""

import contextlib
import io
import shutil
import tempfile
from pathlib import Path

import host
import mesh
import pod
import schemas
from tree import Tree

STATEFUL_SET = "kubernetes/stateful-set.yaml"
SERVICES = "kubernetes/services.yaml"
UNIT = "systemd/waika-server.service"

KEY_MOUNT = "{name: key, mountPath: /var/lib/waika-key, readOnly"

# (file, what stands there, what is put in its place, the check that must find it, words of its finding)
CASES = [
    (STATEFUL_SET, "containerPort: 50051", "containerPort: 50055", pod.ports, "port grpc is 50055"),
    (STATEFUL_SET, "grpc: {port: 50051}", "grpc: {port: 50052}", pod.ports, "startupProbe asks port 50052"),
    (STATEFUL_SET, "{path: /metrics, port: metrics}", "{path: /health, port: metrics}", pod.ports, "livenessProbe asks"),
    (STATEFUL_SET, 'port: "9464"', 'port: "9465"', pod.ports, "prometheus.io/port is 9465"),
    (SERVICES, "targetPort: grpc", "targetPort: admin", pod.ports, "Service waika: port 50051 leads to 50052"),
    (SERVICES, "targetPort: grpc", "targetPort: rpc", pod.ports, "targetPort rpc is no port"),
    ("kubernetes/network-policy.yaml", "port: 50051", "port: 50050", pod.ports, "keeps callers out"),
    ("prometheus/pod-monitor.yaml", "port: metrics", "port: prometheus", pod.ports, "port prometheus is no port"),
    (STATEFUL_SET, "--drain-timeout=20s", "--drain-time-out=20s", pod.flags, "--drain-time-out"),
    (STATEFUL_SET, "WAIKA_KEY_FILE", "WAIKA_KEYFILE", pod.flags, "--keyfile"),
    (UNIT, "--log json", "--log-format json", pod.flags, "--log-format"),
    (STATEFUL_SET, "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 30", pod.drain, "is 30, and a drain may take 25 s"),
    (STATEFUL_SET, "--drain-wait=5s", "--drain-wait=1s", pod.drain, "readiness takes 4 s to notice"),
    (STATEFUL_SET, "failureThreshold: 900", "failureThreshold: 30", pod.drain, "kills a server that recovers"),
    ("istio/pod.yaml", "Duration: 30s", "Duration: 5s", pod.drain, "terminationDrainDuration 5s"),
    (STATEFUL_SET, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", pod.hardening, "readOnlyRootFilesystem: true"),
    (STATEFUL_SET, "runAsUser: 65532", "runAsUser: 0", pod.hardening, "a number that is not 0"),
    (STATEFUL_SET, "replicas: 1", "replicas: 2", pod.hardening, "each has books of its own"),
    (STATEFUL_SET, "enableServiceLinks: false", "enableServiceLinks: true", pod.hardening, "enableServiceLinks: false"),
    (STATEFUL_SET, "--cores=2", "--cores=4", pod.hardening, "--cores 4 and requests.cpu 2"),
    (STATEFUL_SET, KEY_MOUNT, KEY_MOUNT.replace("name: key", "name: secret"), pod.hardening, "readable by the group"),
    (STATEFUL_SET, 'install, -m, "0400"', 'install, -m, "0440"', pod.hardening, "nothing copies the key"),
    (SERVICES, "app.kubernetes.io/name: waika-server\n  ports", "app.kubernetes.io/name: waika\n  ports", pod.selectors, "Service waika selects"),
    (STATEFUL_SET, "serviceName: waika-pods", "serviceName: waika-headless", pod.selectors, "no Service waika-headless"),
    (STATEFUL_SET, "value: /var/lib/waika-key/waika.key", "value: waika-key-1 00112233445566778899", pod.secrets, "holds a secret"),
    ("kubernetes/kustomization.yaml", "newTag: 0.1.0", "newTag: latest", pod.images, "names no version"),
    (STATEFUL_SET, "image: busybox:1.37.0", "image: busybox", pod.images, "image busybox names no version"),
    (STATEFUL_SET, "replicas: 1", "replica: 1", schemas.kubernetes, "replica"),
    (STATEFUL_SET, "periodSeconds: 2", "periodSeconds: soon", schemas.kubernetes, "startupProbe.periodSeconds"),
    ("kubernetes/pod-disruption-budget.yaml", "policy/v1", "policy/v1beta9", schemas.kubernetes, "is no kind of"),
    ("linkerd/policy.yaml", "proxyProtocol: gRPC", "proxyProtocol: grpc", schemas.linkerd, "proxyProtocol grpc"),
    ("linkerd/policy.yaml", "  targetRef:", "  target:", schemas.linkerd, "spec.targetRef is missing"),
    ("linkerd/policy.yaml", "name: waika-in-cards", "name: waika-in-card", mesh.references, "no GRPCRoute waika-in-card"),
    ("linkerd/routes.yaml", "retry.linkerd.io/limit: \"1\"", "retry.linkerd.io/limit: \"3\"", mesh.retries, "3 times"),
    ("linkerd/routes.yaml", "method: Bind}", "method: SubmitVerification}", mesh.retries, "take it out"),
    ("istio/virtual-service.yaml", "CardService/Bind}", "CardService/Binds}", mesh.retries, "no RPC"),
    ("istio/virtual-service.yaml", "AuthorisationService/Settle}", "AuthorisationService/AuthoriseStream}", mesh.retries, "streams"),
    ("istio/virtual-service.yaml", "retryOn: connect-failure,refused-stream,unavailable", "retryOn: connect-failure,refused-stream,unavailable,cancelled", mesh.retries, "and no more"),
    ("istio/virtual-service.yaml", "number: 50051", "number: 50052", mesh.references, "no Service of ours"),
    ("istio/callers.toml", "AuthorisationService/*", "AuthorisationService/Authorise", mesh.callers, "policy.yaml says"),
    ("istio/pod.yaml", "value: 127.0.0.6", "value: 127.0.0.1", mesh.identity, "port-forward"),
    (STATEFUL_SET, "127.0.0.1:50052", "0.0.0.0:50052", mesh.identity, "anybody would be an operator"),
    ("Containerfile", "USER 65532:65532", "USER waika", host.containerfile, "by number"),
    ("Containerfile", "FROM rust:1.95.0-slim-bookworm", "FROM rust:latest", host.containerfile, "names no version"),
    ("Containerfile", "COPY . .", "ADD https://example.com/waika.tar .", host.containerfile, "COPY instead"),
    ("Containerfile", "FROM rust:1.95.0", "FROM rust:1.80.0", host.containerfile, "older than rust-version"),
    (UNIT, "TimeoutStopSec=45s", "TimeoutStopSec=20s", host.unit, "a drain may need 35 s"),
    (UNIT, "RestartPreventExitStatus=64 65 73", "RestartPreventExitStatus=64", host.unit, "by exit.rs 64 65 73"),
    (UNIT, "--key-file /run/waika/waika.key", "--key-file ${CREDENTIALS_DIRECTORY}/waika.key", host.unit, "readable by a group"),
]

# Found by systemd, by the npm packages and by the server itself, so only where those are.
SYSTEMD = [(UNIT, "ProtectHome=yes", "ProtectHome=perhaps", host.unit, "verify")]
CUSTOM = [
    ("istio/destination-rule.yaml", "http2MaxRequests", "http2MaxRequest", schemas.custom, "http2MaxRequest"),
    ("linkerd/routes.yaml", "parentRefs", "parents", schemas.custom, "parents"),
    ("prometheus/pod-monitor.yaml", "interval: 15s", "interval: often", schemas.custom, "interval"),
]
BINARY = [(STATEFUL_SET, "--log=json", "--log=xml", host.starts, "does not start")]


def run(tree):
    """Returns how many were planted, those that were not found, and a note."""
    cases = list(CASES)
    cases += SYSTEMD if shutil.which("systemd-analyze") else []
    cases += CUSTOM if schemas.has_modules() else []
    cases += BINARY if tree.binary else []
    if not tree.rendered:
        cases = [case for case in cases if case[0].startswith(("kubernetes/s", "Containerfile", "systemd/"))]
    missed = []
    for file, old, new, check, words in cases:
        said = plant(tree, file, old, new, check)
        if not any(words in line for line in said):
            missed.append(f"planted in {file}: {new!r} was not found by {check.__module__}.{check.__name__}: {said[:2]}")
    return len(cases), missed, "mistakes put in, each found by its words"


def plant(tree, file, old, new, check):
    """What a check says of a copy in which one text is another."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "deploy")
        shutil.copytree(tree.root, root)
        path = root / file
        text = path.read_text(encoding="utf-8")
        if old not in text:
            return [f"{file} does not say {old!r} any more: mend tests/deploy/planted.py"]
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        touched = file.partition("/")[0]
        known = {name: docs for name, docs in tree.rendered.items() if name != touched}
        copy = Tree(root, tree.repository, tree.binary).load(known)
        with contextlib.redirect_stdout(io.StringIO()):
            return copy.unreadable + check(copy)[1]
