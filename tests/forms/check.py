"""Checks one form of a report; what is wrong goes to standard error, and the exit code is 1.

json FILE SCHEMAS | junit FILE | markdown FILE | spoil FROM TO
"""

import json
import re
import sys
from pathlib import Path


# What Jenkins' xUnit, the strictest of those who read it, allows.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}


def check_json(path: str, schemas: str) -> None:
    """Holds a result against the schema that it names, and prints its kind."""
    from jsonschema import Draft202012Validator

    result = json.loads(Path(path).read_text())
    kind, version = result["schema"].removeprefix("waika-loadgen/").split("/")
    schema = json.loads(Path(schemas, f"{kind}-{version}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    errors = list(Draft202012Validator(schema).iter_errors(result))
    for error in errors[:10]:
        print(f"{path}: {error.json_path}: {error.message[:200]}", file=sys.stderr)
    if errors:
        sys.exit(1)
    print(kind)


def check_junit(path: str) -> None:
    """Reads JUnit XML as pipelines do, and adds up what it says of itself."""
    from junitparser import Error, Failure, JUnitXml, Skipped

    xml = JUnitXml.fromfile(path)
    for element in xml._elem.iter():
        unknown = set(element.attrib) - ATTRIBUTES.get(element.tag, set())
        if unknown:
            sys.exit(f"{path}: <{element.tag}> has {unknown}, which Jenkins' xUnit refuses")
    cases = [case for suite in xml for case in suite]
    kinds = {Failure: "failures", Error: "errors", Skipped: "skipped"}
    for kind, name in kinds.items():
        count = sum(isinstance(result, kind) for case in cases for result in case.result)
        told = sum(getattr(suite, name) for suite in xml)
        if told != count:
            sys.exit(f"{path}: it tells {told} {name}, and there are {count}")
    if not cases or int(xml._elem.get("tests")) != len(cases):
        sys.exit(f"{path}: it does not tell its {len(cases)} cases")


def check_markdown(path: str) -> None:
    """Looks for tables with rows of unlike length, and for folds that stay open."""
    text = Path(path).read_text()
    if not re.match(r"## [A-Z]+: Waika", text) or len(text) > 65_536:
        sys.exit(f"{path}: no verdict at the beginning, or too long for a comment")
    if text.count("<details") != text.count("</details>"):
        sys.exit(f"{path}: a fold stays open")
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        if len({row.count("|") for row in rows}) > 1:
            sys.exit(f"{path}: rows of unlike length: {rows[0]}")


def spoil(source: str, to: str) -> None:
    """Writes a result with a field that nobody knows, deep in it."""
    result = json.loads(Path(source).read_text())
    result["counts"]["surprise"] = 1
    Path(to).write_text(json.dumps(result))


if __name__ == "__main__":
    checks = {"json": check_json, "junit": check_junit, "markdown": check_markdown, "spoil": spoil}
    checks[sys.argv[1]](*sys.argv[2:])
