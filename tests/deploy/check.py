#!/usr/bin/env python3
"""Checks server/deploy: against schemas, against the server, and its parts against each other.

    python3 tests/deploy/check.py              everything
    python3 tests/deploy/check.py --planted    only that mistakes are found which are put in on purpose

tests/deploy.sh installs what it needs. Exit codes: 0 nothing is wrong, 1 something is, 64 usage, 69 something is missing.
"""

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

try:
    import host
    import mesh
    import planted
    import pod
    import schemas
    from tree import Tree
except ModuleNotFoundError as error:
    print(f"{error}: run bash tests/deploy.sh, which installs it", file=sys.stderr)
    sys.exit(69)

CHECKS = [
    ("Kubernetes' schemas", schemas.kubernetes),
    ("custom resources' schemas", schemas.custom),
    ("Linkerd's resources", schemas.linkerd),
    ("flags and variables", pod.flags),
    ("ports", pod.ports),
    ("drain and probes", pod.drain),
    ("hardening", pod.hardening),
    ("selectors and names", pod.selectors),
    ("no secrets", pod.secrets),
    ("images", pod.images),
    ("retries", mesh.retries),
    ("callers, twice", mesh.callers),
    ("references", mesh.references),
    ("identity", mesh.identity),
    ("Containerfile", host.containerfile),
    ("systemd unit", host.unit),
    ("the server starts", host.starts),
]
PLANTED = ("planted mistakes", planted.run)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        print(f"check.py: {message}", file=sys.stderr)
        sys.exit(64)


def arguments():
    parser = Parser(description="Checks server/deploy.")
    parser.add_argument("--planted", action="store_true", help="only that planted mistakes are found")
    parser.add_argument("--server", type=Path, help="an ordinary build of waika-server, asked for its flags and started")
    parser.add_argument("--static", type=Path, help="the static binary of the image, for its size")
    parser.add_argument("--deploy", type=Path, default=REPOSITORY / "server/deploy", help="the folder to check")
    given = parser.parse_args()
    for name in ("server", "static"):
        path = getattr(given, name)
        if path and not path.is_file():
            parser.error(f"--{name} {path}: there is no such file: build it, or leave the flag out")
    if not given.deploy.is_dir():
        parser.error(f"--deploy {given.deploy}: there is no such folder")
    return given


def print_image(tree, static):
    rows = host.image_files(tree, static)
    print("\nthe image's files:")
    for place, mode, size, note in rows:
        print(f"  {mode:<17} {size:>11,}  {place}  ({note})")
    binary_is_told = any(place == "/waika-server" for place, *_ in rows)
    said = f"{sum(size for _, _, size, _ in rows) / 1_048_576:.1f} MiB" if binary_is_told else "not known: there is no binary"
    print(f"  in all {said}, before compression; no image was built here")


def main():
    given = arguments()
    tree = Tree(given.deploy.resolve(), REPOSITORY, given.server).load()
    checks = [PLANTED] if given.planted else [*CHECKS, PLANTED]
    mistakes, left_out, rows = list(tree.unreadable), [], []
    if not tree.rendered:
        left_out.append("overlays: there is no kubectl to render them")
    for name, check in checks:
        count, wrong, note = check(tree)
        mistakes += wrong
        if count is None:
            left_out.append(f"{name}: {note}")
        if note.startswith("no schema here"):
            left_out.append(f"{name}: no schema here for {count} manifests")
        rows.append((name, "-" if count is None else count, len(wrong), note))
    if given.static and not host.is_static(given.static):
        mistakes.append(f"{given.static} is not static: build it for a musl target")
    if not given.planted:
        print_image(tree, given.static)
    print(f"\n{'check':<27} {'looked at':>9} {'wrong':>5}  by")
    for name, count, wrong, note in rows:
        print(f"{name:<27} {count:>9} {wrong:>5}  {note}")
    for line in left_out:
        print(f"NOT CHECKED {line}")
    for line in mistakes:
        print(f"deploy: {line}", file=sys.stderr)
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
