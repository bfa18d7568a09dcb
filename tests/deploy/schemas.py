"""Manifests against schemas: Kubernetes' own, those of three projects by npm packages, and Linkerd's by hand."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import kubernetes_validate

# Where ReadWriteOncePod and native sidecars became stable.
OLDEST_KUBERNETES = "1.29.0"

# Which package knows which group, and in which of its folders.
PACKAGES = {
    "networking.istio.io": "@kubernetes-models/istio",
    "security.istio.io": "@kubernetes-models/istio",
    "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
    "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
}

# No package that can be had here has Linkerd's schemas. These are the fields of its custom resources as Linkerd 2.19
# documents them: those that are required, and those that there are.
LINKERD = {
    ("policy.linkerd.io/v1beta3", "Server"): (
        {"port", "podSelector"},
        {"port", "podSelector", "externalWorkloadSelector", "proxyProtocol", "accessPolicy"},
    ),
    ("policy.linkerd.io/v1alpha1", "AuthorizationPolicy"): (
        {"targetRef", "requiredAuthenticationRefs"},
        {"targetRef", "requiredAuthenticationRefs"},
    ),
    ("policy.linkerd.io/v1alpha1", "MeshTLSAuthentication"): (set(), {"identities", "identityRefs"}),
    ("policy.linkerd.io/v1alpha1", "NetworkAuthentication"): ({"networks"}, {"networks"}),
}
PROTOCOLS = {"unknown", "HTTP/1", "HTTP/2", "gRPC", "opaque", "TLS"}


def every(tree):
    """Each manifest once: as it is applied, and those that no overlay takes in."""
    seen, docs = set(), []
    taken = {(doc.kind, doc.name) for docs_of in tree.overlays().values() for doc in docs_of}
    alone = [doc for doc in tree.sources if doc.kind != "Kustomization" and (doc.kind, doc.name) not in taken]
    for doc in [*(doc for docs_of in tree.overlays().values() for doc in docs_of), *alone]:
        key = json.dumps(doc.body, sort_keys=True, default=str)
        if key not in seen:
            seen.add(key)
            docs.append(doc)
    return docs


def is_core(doc):
    """Kubernetes' own groups have no dot, or end in k8s.io; those of its projects that are installed apart do too."""
    return doc.group not in PACKAGES and ("." not in doc.group or doc.group.endswith(".k8s.io"))


def kubernetes(tree):
    """Returns how many were checked, what is wrong, and a note."""
    docs = [doc for doc in every(tree) if is_core(doc)]
    versions = (OLDEST_KUBERNETES, kubernetes_validate.latest_version())
    wrong = []
    for doc in docs:
        for version in versions:
            try:
                kubernetes_validate.validate(doc.body, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                at = ".".join(str(part) for part in error.path) or "(top)"
                wrong.append(f"{doc.where}: {doc.kind} {doc.name}: {at}: {error.message[:160]} (Kubernetes {version})")
                break
            except kubernetes_validate.SchemaNotFoundError:
                wrong.append(f"{doc.where}: {doc.body.get('apiVersion')} {doc.kind} is no kind of Kubernetes {version}")
                break
    return len(docs), wrong, f"Kubernetes {' and '.join(versions)}, unknown fields refused"


def imports(docs, what):
    """What a program takes of the packages for each manifest, by its number."""
    lines = []
    for at, doc in enumerate(docs):
        group, _, version = doc.body["apiVersion"].partition("/")
        lines.append(f'import {what.format(kind=doc.kind, at=at)} from "{PACKAGES[group]}/{group}/{version}";')
    return lines


def typescript(docs):
    """A program whose types are the schemas: the compiler names unknown, missing and mistyped fields."""
    lines = imports(docs, "type {{ I{kind} as T{at} }}")
    for at, doc in enumerate(docs):
        lines.append(f"const v{at}: T{at} = {json.dumps(doc.body)};")
    return "\n".join(lines) + "\n"


def javascript(docs):
    """A program that checks values too: patterns, enumerations, bounds."""
    lines = imports(docs, "{{ {kind} as C{at} }}")
    for at, doc in enumerate(docs):
        lines.append(f"try {{ new C{at}({json.dumps(doc.body)}).validate(); }} catch (e) {{ console.log({at} + ' ' + e.message); }}")
    return "\n".join(lines) + "\n"


def has_modules():
    """True if tests/deploy.sh could install the packages."""
    modules = os.environ.get("WAIKA_DEPLOY_MODULES", "")
    return bool(modules) and Path(modules, "node_modules/typescript").is_dir()


def custom(tree):
    """Istio, Gateway API and the Prometheus operator. `None` checked: the packages are not there."""
    docs = [doc for doc in every(tree) if doc.group in PACKAGES]
    modules = os.environ.get("WAIKA_DEPLOY_MODULES", "")
    if not has_modules():
        return None, [], "npm packages are not there"
    wrong = []
    with tempfile.TemporaryDirectory(dir=modules) as folder:
        program = Path(folder, "check.ts")
        program.write_text(typescript(docs), encoding="utf-8")
        compiler = [f"{modules}/node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--pretty", "false"]
        options = ["--module", "nodenext", "--moduleResolution", "nodenext"]
        done = subprocess.run([*compiler, *options, str(program)], capture_output=True, text=True, timeout=300)
        for line, what in re.findall(r"\((\d+),\d+\): error TS\d+: (.*)", done.stdout):
            doc = docs[(int(line) - 1) % len(docs)]
            wrong.append(f"{doc.where}: {doc.kind} {doc.name}: {what[:200]}")
        if done.returncode != 0 and not wrong:
            wrong.append(f"the compiler of schemas failed: {(done.stdout + done.stderr).strip()[:300]}")
        values = Path(folder, "check.mjs")
        values.write_text(javascript(docs), encoding="utf-8")
        if not wrong:  # An unknown kind would end this program at its first line.
            done = subprocess.run(["node", str(values)], capture_output=True, text=True, timeout=120)
            for line in done.stdout.splitlines():
                at, _, what = line.partition(" ")
                wrong.append(f"{docs[int(at)].where}: {docs[int(at)].kind} {docs[int(at)].name}: {what[:200]}")
            if done.returncode != 0:
                wrong.append(f"values were not checked: {done.stderr.strip()[:300]}")
    return len(docs), wrong, "Istio 1.29.2, Gateway API, Prometheus operator: fields by types, values by schema"


def linkerd(tree):
    """What is known of Linkerd's kinds without a schema."""
    docs = [doc for doc in every(tree) if doc.group.endswith("linkerd.io")]
    wrong = []
    for doc in docs:
        known = LINKERD.get((doc.body.get("apiVersion"), doc.kind))
        at = f"{doc.where}: {doc.kind} {doc.name}"
        if known is None:
            wrong.append(f"{at}: {doc.body.get('apiVersion')} is not known: see LINKERD in tests/deploy/schemas.py")
            continue
        required, fields = known
        wrong += [f"{at}: spec.{name} is missing" for name in sorted(required - set(doc.spec))]
        wrong += [f"{at}: spec.{name} is no field of it" for name in sorted(set(doc.spec) - fields)]
        protocol = doc.spec.get("proxyProtocol", "unknown")
        if protocol not in PROTOCOLS:
            wrong.append(f"{at}: proxyProtocol {protocol} is none of {', '.join(sorted(PROTOCOLS))}")
        if doc.kind == "MeshTLSAuthentication" and len(doc.spec) != 1:
            wrong.append(f"{at}: needs either identities or identityRefs")
    unknown = [doc for doc in every(tree) if not is_core(doc) and doc.group not in PACKAGES and doc not in docs]
    wrong += [f"{doc.where}: {doc.body.get('apiVersion')} {doc.kind}: nothing here knows it" for doc in unknown]
    return len(docs), wrong, "no schema here: required and known fields by hand"
