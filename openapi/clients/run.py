#!/usr/bin/env python3
"""Generates clients from the document of a running service, and tries them.

    SERVER_BINARY=target/debug/NAME openapi/clients/run.py typescript python

Each language gets a service of its own, on a port that was free and in an
empty folder. `generate.sh` in the folder of the language makes a client from
the document that this service serves; `try.sh` builds a program with it and
runs it against the service. What they are told:

    DOCUMENT  the file that the document was written to
    OUT       target/clients/LANGUAGE, where everything generated goes
    SERVICE   the address of the service, http://HOST:PORT

With `--found`, languages whose toolchain is missing are left out, and named.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What has to be installed for a language; the Makefile installs the rest.
TOOLCHAINS = {
    "typescript": ["node"],
    "python": ["python3"],
    "rust": ["cargo"],
    "go": ["go"],
    "java": ["javac", "mvn"],
    "kotlin": ["java", "mvn"],
}
# Seconds that a cold build may take, and that the service may take to listen.
BUILD, START = 900, 60


class Failure(Exception):
    """What went wrong, with what was printed until then."""


def end(process):
    """Ends a process and its children, gently first."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Service:
    """The service with its defaults, but for what it costs to hash a password."""

    def __init__(self, binary):
        self.binary = binary
        self.printed = []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="clients-")
        self.process = subprocess.Popen(
            [self.binary],
            cwd=self.folder.name,
            env={
                "GATEWAY_BIND_ADDR": "127.0.0.1:0",
                "APP__PASSWORDS__MEMORY_KIB": "8192",
                "APP__PASSWORDS__ITERATIONS": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.listens = threading.Event()
        self.address = None
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if not self.listens.wait(START) or self.address is None:
            self.__exit__()
            raise Failure("the service does not listen:\n" + self.log())
        return self

    def read(self):
        for line in self.process.stdout:
            self.printed.append(line)
            if found := re.match(r"listening on (http://\S+)", line):
                self.address = found[1]
                self.listens.set()
        self.listens.set()

    def log(self):
        return "".join(self.printed)

    def __exit__(self, *_):
        end(self.process)
        self.reader.join()
        self.folder.cleanup()


def run(script, env):
    """Runs a script; what it printed is shown if it fails."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [script],
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=BUILD)
        except subprocess.TimeoutExpired:
            code = f"no end within {BUILD} s"
        finally:
            end(process)
        if code != 0:
            output.seek(0)
            raise Failure(f"{output.read()}\n{script.relative_to(ROOT)}: {code}")


def client(language, binary):
    """Makes a client and tries it; seconds for each."""
    out = ROOT / "target/clients" / language
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    document = out / "openapi.json"
    with Service(binary) as service:
        try:
            with urllib.request.urlopen(f"{service.address}/openapi.json", timeout=10) as answer:
                document.write_bytes(answer.read())
            env = {"DOCUMENT": str(document), "OUT": str(out), "SERVICE": service.address}
            began = time.monotonic()
            run(HERE / language / "generate.sh", env)
            generated = time.monotonic()
            run(HERE / language / "try.sh", env)
            return generated - began, time.monotonic() - generated
        except (Failure, OSError) as failure:
            raise Failure(f"{failure}\nthe service said:\n{service.log()}") from failure


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--found", action="store_true", help="leave out languages without a toolchain")
    arguments.add_argument("languages", nargs="+", choices=TOOLCHAINS, metavar="LANGUAGE", help=", ".join(TOOLCHAINS))
    asked = arguments.parse_args()
    binary = shutil.which(os.path.abspath(os.environ.get("SERVER_BINARY", "")))
    if not binary:
        sys.exit("SERVER_BINARY has to name the service's binary")
    # Whoever ends this ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))

    summary, failed = [], False
    for language in asked.languages:
        missing = [tool for tool in TOOLCHAINS[language] if not shutil.which(tool)]
        if missing:
            summary.append(f"{language}: NOT DONE, {' and '.join(missing)} not found")
            failed |= not asked.found
            continue
        try:
            generate, tried = client(language, binary)
            summary.append(f"{language}: generated in {generate:.1f} s, built and tried in {tried:.1f} s")
        except Failure as failure:
            print(failure, file=sys.stderr)
            summary.append(f"{language}: FAILED")
            failed = True
    print("\n".join(f"clients: {line}" for line in summary))
    sys.exit(failed)


if __name__ == "__main__":
    main()
