"""What is deployed: files as they are written, and overlays as kubectl renders them."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

OVERLAYS = ("kubernetes", "linkerd", "istio")


class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Refuses a key that stands twice: YAML's readers take the last one and say nothing."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=deep)
            if name in seen:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: {name} stands twice")
            seen.add(name)
        return super().construct_mapping(node, deep)


@dataclass
class Doc:
    """One manifest, and where it comes from."""

    where: str
    body: dict

    @property
    def kind(self):
        return self.body.get("kind", "")

    @property
    def group(self):
        version = self.body.get("apiVersion", "")
        return version.partition("/")[0] if "/" in version else ""

    @property
    def name(self):
        return self.body.get("metadata", {}).get("name", "")

    @property
    def spec(self):
        return self.body.get("spec", {})


@dataclass
class Tree:
    """The folder server/deploy, or a copy of it with a mistake in it."""

    root: Path
    repository: Path
    binary: Path | None = None
    sources: list[Doc] = field(default_factory=list)
    rendered: dict[str, list[Doc]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def load(self, known=None):
        """Reads all files and renders all overlays, or those alone that `known` does not have."""
        for path in sorted(self.root.rglob("*.yaml")):
            name = str(path.relative_to(self.root))
            try:
                bodies = list(yaml.load_all(path.read_text(encoding="utf-8"), StrictLoader))
            except yaml.YAMLError as error:
                self.unreadable.append(f"{name}: is no YAML that can be trusted: {error}")
                continue
            self.sources += [Doc(name, body) for body in bodies if body]
        for overlay in OVERLAYS if shutil.which("kubectl") else ():
            self.rendered[overlay] = known[overlay] if known and overlay in known else self.render(overlay)
        return self

    def render(self, overlay):
        """The overlay as it would be applied."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root)}
        command = ["kubectl", "kustomize", str(self.root / overlay)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        if done.returncode != 0:
            self.unreadable.append(f"{overlay}/kustomization.yaml: kubectl cannot build it: {done.stderr.strip()[:300]}")
            return []
        bodies = list(yaml.load_all(done.stdout, StrictLoader))
        return [Doc(self.written_in(overlay, body), body) for body in bodies if body]

    def written_in(self, overlay, body):
        """The files that a rendered manifest was made from."""
        name = body.get("metadata", {}).get("name")
        same = [
            doc.where
            for doc in self.sources
            if (doc.kind, doc.name) == (body.get("kind"), name) and doc.where.split("/")[0] in ("kubernetes", overlay)
        ]
        return " + ".join(dict.fromkeys(same)) or f"{overlay}/kustomization.yaml"

    def overlays(self):
        """Each overlay with its manifests; without kubectl only the base, which needs no patches."""
        if self.rendered:
            return self.rendered
        return {"kubernetes": [doc for doc in self.sources if doc.where.startswith("kubernetes/") and doc.kind != "Kustomization"]}

    def stateful_sets(self):
        for overlay, docs in self.overlays().items():
            for doc in docs:
                if doc.kind == "StatefulSet":
                    yield overlay, docs, doc

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8")


def server_of(stateful_set):
    """The container of the server, or an empty one."""
    pod = pod_of(stateful_set)
    containers = [one for one in pod.get("containers", []) if one.get("name") == "waika-server"]
    return containers[0] if containers else {}


def pod_of(stateful_set):
    return stateful_set.spec.get("template", {}).get("spec", {})


def settings(container):
    """Flags as the server would read them: from args, and from variables where there is no flag."""
    given = {}
    for one in container.get("env", []):
        name = one.get("name", "")
        if name.startswith("WAIKA_"):
            given[name.removeprefix("WAIKA_").lower().replace("_", "-")] = str(one.get("value", ""))
    given.update(flags_in(container.get("args", [])))
    return given


def flags_in(args):
    """`--name=value`, `--name value` and `--name` of a command line."""
    given, args = {}, [str(one) for one in args]
    for at, one in enumerate(args):
        if not one.startswith("--"):
            continue
        name, equals, value = one[2:].partition("=")
        after = args[at + 1] if at + 1 < len(args) else "--"
        if not equals:
            value = "true" if after.startswith("--") else after
        given[name] = value
    return given


def seconds(text):
    """A duration as the server and systemd write it."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|min|h|)", str(text).strip())
    scale = {"ms": 0.001, "s": 1, "": 1, "m": 60, "min": 60, "h": 3600}
    return float(found[1]) * scale[found[2]] if found else None


def port_of(address):
    return int(address.rpartition(":")[2]) if re.search(r":\d+$", address or "") else None
