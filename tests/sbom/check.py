#!/usr/bin/env python3
"""Compares an SBOM with what cargo builds into a binary, which is read from standard input.

    cargo tree --prefix none --format '{p}|{l}' | python3 tests/sbom/check.py BINARY FILE
"""
import json
import sys


def built(lines):
    """Names and versions of packages, with their licences."""
    packages = {}
    for line in lines:
        package, _, licence = line.strip().partition("|")
        if not package:
            continue
        name, version = package.split()[:2]
        packages[name, version.removeprefix("v")] = licence.removesuffix(" (*)").strip()
    return packages


def licences(component):
    """What an SBOM says of a component's licence, as expressions or ids."""
    said = component.get("licenses", [])
    return [one.get("expression") or one.get("license", {}).get("id") or one.get("license", {}).get("name") for one in said]


def main():
    binary, file = sys.argv[1:]
    with open(file, encoding="utf-8") as opened:
        sbom = json.load(opened)
    top = sbom["metadata"]["component"]
    listed = {(one["name"], one["version"]): licences(one) for one in [top, *sbom["components"]]}
    packages = built(sys.stdin)
    wrong = [f"{name} {version} is built and not listed" for name, version in packages if (name, version) not in listed]
    wrong += [f"{name} {version} names no licence to cargo" for (name, version), said in packages.items() if not said]
    wrong += [f"{name} {version} is listed without a licence" for (name, version), said in listed.items() if not any(said)]
    if len(packages) < 2:
        wrong.append("nothing is built")
    for line in wrong:
        print(f"sbom: {binary}: {line}", file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"{binary}: {len(packages)} packages are built, {len(listed)} are listed in {file}, each with its licence")


if __name__ == "__main__":
    main()
