"""The image and the unit of systemd, and whether the server starts with what all of them tell it."""

import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

from pod import LEAST_SPARE_SECONDS, unit_command
from tree import flags_in, seconds, server_of, settings

UNIT = "systemd/waika-server.service"
FILE = "Containerfile"

# systemd's own measure of what a service could do, from 0 to 10.
MOST_EXPOSURE = 2.0

# How long a server with an empty journal may take to be ready, on a machine that does much else.
MOST_START_SECONDS = 60

# PT_INTERP of elf(5).
INTERPRETER = 3

# What another start does not mend.
FINAL = ("Configuration", "Damaged", "Unwritable")


def containerfile(tree):
    """What a platform would refuse, or regret."""
    text = re.sub(r"\\\n\s*", "", tree.text(FILE))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    said = [line.split(None, 1) for line in lines]
    last = {word: rest for word, rest in (line for line in said if len(line) == 2)}
    wrong = []
    stages = [rest.split()[0] for word, rest in said if word == "FROM"]
    for image in stages:
        if image != "scratch" and not re.search(r":\d[\w.-]*\.\d[\w.-]*|@sha256:", image):
            wrong.append(f"{FILE}: FROM {image} names no version: what is built would change by itself")
    rust = [re.search(r"rust:(\d+\.\d+)", image) for image in stages]
    least = re.search(r'rust-version = "(\d+)\.(\d+)"', (tree.repository / "Cargo.toml").read_text(encoding="utf-8"))
    for found in filter(None, rust):
        if tuple(map(int, found[1].split("."))) < (int(least[1]), int(least[2])):
            wrong.append(f"{FILE}: rust:{found[1]} is older than rust-version {least[1]}.{least[2]} of Cargo.toml")
    user = last.get("USER", "")
    if not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", user):
        wrong.append(f"{FILE}: USER {user or '(none)'}: by number and not 0, or runAsNonRoot cannot see it")
    wrong += [f"{FILE}: ADD {rest}: COPY instead, which fetches nothing" for word, rest in said if word == "ADD"]
    if last.get("STOPSIGNAL") != "SIGTERM":
        wrong.append(f"{FILE}: STOPSIGNAL {last.get('STOPSIGNAL')}: the server drains on SIGTERM")
    if not last.get("ENTRYPOINT", "").startswith("["):
        wrong.append(f"{FILE}: ENTRYPOINT must be a list: there is no shell in the image")
    if "--locked" not in text:
        wrong.append(f"{FILE}: cargo build without --locked would take other dependencies than were checked")
    exposed = set(map(int, last.get("EXPOSE", "").split()))
    listens = {one.get("containerPort") for _, _, doc in tree.stateful_sets() for one in server_of(doc).get("ports", [])}
    if exposed != listens:
        wrong.append(f"{FILE}: EXPOSE {sorted(exposed)}, the manifests listen on {sorted(listens)}")
    users = {doc.spec["template"]["spec"].get("securityContext", {}).get("runAsUser") for _, _, doc in tree.stateful_sets()}
    if users != {int(user.partition(":")[0])} if user[:1].isdigit() else False:
        wrong.append(f"{FILE}: USER {user}, the manifests run as {sorted(users)}")
    linter = shutil.which("hadolint")
    if linter:
        done = subprocess.run([linter, "--no-color", str(tree.root / FILE)], capture_output=True, text=True, timeout=60)
        wrong += [f"{FILE}: hadolint: {line.partition(FILE)[2][1:]}" for line in done.stdout.splitlines()]
        wrong += [f"{FILE}: hadolint failed: {done.stderr.strip()[:200]}"] if done.returncode and not done.stdout else []
    return len(lines), wrong, "hadolint and our own" if linter else "our own alone: NO hadolint"


def unit(tree):
    """The unit of systemd, by itself and against the server."""
    text = tree.text(UNIT)
    values = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    given = flags_in(unit_command(text).split())
    wrong = []
    need = sum(seconds(given.get(name, default)) for name, default in (("drain-wait", "0s"), ("drain-timeout", "10s"))) + LEAST_SPARE_SECONDS
    if (seconds(values.get("TimeoutStopSec", "90s")) or 0) < need:
        wrong.append(f"{UNIT}: TimeoutStopSec={values.get('TimeoutStopSec')}: a drain may need {need:g} s")
    source = (tree.repository / "server/src/exit.rs").read_text(encoding="utf-8")
    codes = dict(re.findall(r"Self::(\w+) => (\d+),", source))
    final = {codes[name] for name in FINAL}
    if set(values.get("RestartPreventExitStatus", "").split()) != final:
        wrong.append(f"{UNIT}: RestartPreventExitStatus={values.get('RestartPreventExitStatus')}: by exit.rs {' '.join(sorted(final))}")
    for name, expected in (("KillSignal", "SIGTERM"), ("LimitCORE", "0"), ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"), ("Restart", "on-failure")):
        if values.get(name) != expected:
            wrong.append(f"{UNIT}: {name}={values.get(name)}: {expected} is needed")
    if int(values.get("LimitNOFILE", "1024")) < 10_256:
        wrong.append(f"{UNIT}: LimitNOFILE={values.get('LimitNOFILE')}: 10,000 connections and 256 other files")
    key, state = given.get("key-file", ""), given.get("store", "").removeprefix("journal:")
    if "credentials" in key.lower() or key.startswith("%d"):
        wrong.append(f"{UNIT}: --key-file {key}: systemd makes credentials readable by a group, which the server refuses: copy it")
    if f"install -m 0400 ${{CREDENTIALS_DIRECTORY}}/waika.key {key}" not in text:
        wrong.append(f"{UNIT}: nothing copies the key to {key} with mode 0400")
    if not state.startswith(f"/var/lib/{values.get('StateDirectory')}/"):
        wrong.append(f"{UNIT}: --store {state} is not below StateDirectory, and all else is read-only")
    if not shutil.which("systemd-analyze"):
        return len(values), wrong, "NO systemd here: neither verified nor measured"
    exposure = analyse(tree, text, wrong)
    return len(values), wrong, f"systemd-analyze verify, and security: exposure {exposure} (at most {MOST_EXPOSURE})"


def analyse(tree, text, wrong):
    """What systemd says of the unit, whose programs need not be installed here."""
    program = str(tree.binary.resolve()) if tree.binary else "/bin/true"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "waika-server.service")
        path.write_text(text.replace("/usr/local/bin/waika-server", program).replace("Documentation=", "#"), encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, timeout=60)
        ours = [line for line in done.stderr.splitlines() if "waika-server" in line]
        wrong += [f"{UNIT}: systemd-analyze verify: {line.partition('waika-server.service:')[2].strip()}" for line in ours]
        if done.returncode != 0 and not ours:
            wrong.append(f"{UNIT}: systemd-analyze verify: {done.stderr.strip()[:200]}")
        measured = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)], capture_output=True, text=True, timeout=60)
    found = re.search(r"exposure level for \S+: ([\d.]+)", measured.stdout)
    if not found:
        return "not told"
    if float(found[1]) > MOST_EXPOSURE:
        wrong.append(f"{UNIT}: exposure {found[1]}: see systemd-analyze security --offline=true for what is open")
    return found[1]


def starts(tree):
    """The server itself is started with each set of settings; only places and ports are other ones."""
    if not tree.binary:
        return None, [], "no binary: build the server, or give its path"
    told = [(doc.where, settings(server_of(doc))) for _, _, doc in tree.stateful_sets()]
    told.append((UNIT, flags_in(unit_command(tree.text(UNIT)).split())))
    wrong = []
    for where, given in told:
        wrong += [f"{where}: {what}" for what in start_with(tree, dict(given))]
    return len(told), wrong, "started, ready, ended with 0 on SIGTERM"


def start_with(tree, given):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("listen", "admin-listen", "metrics-listen"):
            if name in given:
                given[name] = re.sub(r":\d+$", ":0", given[name])
        given |= {"store": f"journal:{folder}/data", "key-file": f"{folder}/key/waika.key", "drain-wait": "0s"}
        if "callers" in given:
            given["callers"] = str(tree.root / "istio" / Path(given["callers"]).name)
        flags = [f"--{name}={value}" for name, value in given.items()]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAIKA_")}
        command = [str(tree.binary), "serve", *flags]
        with open(Path(folder, "log"), "w+", encoding="utf-8") as log:
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
            patience = threading.Timer(MOST_START_SECONDS, server.kill)
            patience.start()
            try:
                line = server.stdout.readline()  # One line once it is ready, or none.
                server.send_signal(signal.SIGTERM)
                code = server.wait(timeout=30)
            finally:
                patience.cancel()
                server.kill()
            log.seek(0)
            said = log.read()
        if not line.startswith("waika-server listening on"):
            yield f"the server does not start with these settings: {' '.join(said.split())[-300:]}"
        elif code != 0:
            yield f"the server ends with {code} on SIGTERM"


def image_files(tree, static):
    """What the image holds, with sizes: from the static binary if it is there, and else from an ordinary release build."""
    binary = static or tree.binary
    rows = []
    if binary:
        with tempfile.TemporaryDirectory() as folder:
            stripped = Path(folder, "waika-server")
            if shutil.which("strip"):
                subprocess.run(["strip", "--strip-debug", "-o", str(stripped), str(binary)], check=True, timeout=120)
            size = (stripped if stripped.exists() else Path(binary)).stat().st_size
        kind = "static, given" if static else "ESTIMATE from a binary that is not static"
        rows.append(("/waika-server", "0555 0:0", size, kind))
    roots = Path("/etc/ssl/certs/ca-certificates.crt")
    size = roots.stat().st_size if roots.exists() else 0
    rows.append((str(roots), "0444 0:0", size, "this machine's; the image has its Debian's"))
    rows += [(place, "0700 65532:65532", 0, "folder") for place in ("/var/lib/waika", "/var/lib/waika-key")]
    return rows


def is_static(binary):
    """True of a 64-bit ELF program that names no interpreter, which would load libraries for it."""
    head = Path(binary).read_bytes()
    if head[:5] != b"\x7fELF\x02":
        return False
    (start,) = struct.unpack_from("<Q", head, 0x20)
    size, count = struct.unpack_from("<HH", head, 0x36)
    kinds = [struct.unpack_from("<I", head, start + at * size)[0] for at in range(count)]
    return INTERPRETER not in kinds
