"""What is generated builds, starts, and passes its own tests.

Everything is built in this repository's `target`: what the two have in common
is compiled once.
"""

import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.request

from generating import NAME

SOON = 60


def lint(template, case):
    project = prepared(template, case)
    run(project, "cargo", "clippy", "--workspace", "--all-targets", "--all-features", "--locked",
        "--", "-D", "warnings")


def start(template, case):
    """What needs nothing is built, started, and spoken to, also as its README says."""
    project = prepared(template, case)
    # With the features of the tests most crates are compiled already.
    run(project, "make", "service")
    binary = project / "target" / "debug" / NAME
    with tempfile.TemporaryDirectory(prefix="template-run-") as folder:
        service = subprocess.Popen(
            [binary], cwd=folder, stdout=subprocess.PIPE, text=True,
            env={"GATEWAY_BIND_ADDR": "127.0.0.1:0", "RUST_LOG": "off"},
        )
        try:
            speak_to(address(service))
        finally:
            service.terminate()
            service.wait(SOON)
    commands = template.source / "tests/papers/commands.py"
    run(project, sys.executable, "-B", commands, "README.md", SERVER_BINARY=str(binary))


def extend(template, case):
    """What EXTENDING.md tells to write is written, built and tried."""
    extend = template.source / "tests/extend/run.py"
    run(template.root, sys.executable, "-B", extend, prepared(template, case))


def test(template, case):
    run(prepared(template, case), "make", "test")


def prepared(template, case):
    project = template.project(case)
    target = project / "target"
    if not target.exists():
        shared = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", template.root / "target"))
        shared.mkdir(exist_ok=True)
        target.symlink_to(shared)
        # As any command that isn't told `--locked` does, `make` among them.
        run(project, "cargo", "metadata", "--format-version", "1")
    return project


def run(project, *command, **variables):
    environment = {**os.environ, **variables, "CARGO_INCREMENTAL": "0"}
    environment.pop("CARGO_TARGET_DIR", None)
    # Of the make that started this.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    done = subprocess.run(command, cwd=project, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}:\n{done.stdout[-8000:]}")


def address(service):
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in service.stdout], daemon=True).start()
    while True:
        line = lines.get(timeout=SOON)
        if line.startswith("listening on "):
            return line.split()[2]


def speak_to(where):
    def ask(path, body=None, token=None):
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(where + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return json.load(answer)

    ann = {"username": "ann", "password": "plum-tractor-91-violin"}
    assert ask("/health")["status"] == "ok"
    ask("/auth/register", ann)
    token = ask("/auth/login", ann)["access_token"]
    assert ask("/auth/me", token=token)["username"] == "ann"
