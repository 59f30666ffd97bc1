"""Property tests of the service over its OpenAPI document.

`python properties.py BINARY DOCUMENT SEED` starts the binary on a free port,
with an empty folder and cheap hashes, lets schemathesis make up requests, first
of somebody who is signed in and then of somebody who isn't, and stops it.

Exits with 1 if anything was found, if an operation never once succeeded, or if
the service complained.
"""

import collections
import json
import os
import pathlib
import queue
import re
import secrets
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).parent
SCHEMATHESIS = pathlib.Path(sys.executable).parent / "schemathesis"
# Seconds that a start or a stop may take, and one run of schemathesis.
SOON = 30
RUN = 240

# Requests that no client of HTTP can make.
UNREACHABLE = {"openSocket"}


class Service:
    """The service, in a folder of its own, for as long as the `with` block."""

    def __init__(self, binary, folder):
        environment = {
            "PATH": os.environ["PATH"],
            "GATEWAY_BIND_ADDR": "127.0.0.1:0",
            "JWT_SECRET": secrets.token_hex(32),
            "TOTP_KEY": secrets.token_hex(32),
            "RUST_LOG": "warn",
            # Many hashes, not safe ones, and nobody is told to come back.
            "APP__PASSWORDS__MEMORY_KIB": "64",
            "APP__PASSWORDS__ITERATIONS": "1",
            "APP__PASSWORDS__QUEUE": "60s",
            # Of one address, which guesses.
            "APP__LIMITS__LOGINS_PER_MINUTE": "0",
            "APP__LIMITS__REGISTRATIONS_PER_MINUTE": "0",
            "APP__LIMITS__REFRESHES_PER_MINUTE": "0",
            "APP__LIMITS__CONNECTS_PER_MINUTE": "0",
            "APP__LIMITS__USER_REFRESHES_PER_MINUTE": "0",
            "APP__LIMITS__FAILURE_DELAY": "0s",
            # Neither is a bound that made-up requests reach.
            "APP__ROOMS__MAX_OWNED": "100000",
        }
        self.log = folder / "service.log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [binary],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def __enter__(self):
        try:
            self.url = self._address()
        except BaseException:
            self.process.kill()
            raise
        return self

    def _address(self):
        while line := self.lines.get(timeout=SOON):
            if found := re.match(r"listening on (http://\S+)", line):
                return found[1]
        raise SystemExit(f"the service did not start:\n{self.log.read_text('utf-8')}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(SOON)
        finally:
            self.process.kill()

    def complaints(self):
        """Lines of the log that a request must not be able to cause."""
        log = self.log.read_text("utf-8")
        return [line for line in log.splitlines() if "ERROR" in line or "panicked" in line]


def run(service, document, answers, seed, signed_in, *arguments):
    """Runs schemathesis; whether it found nothing."""
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "SERVICE_URL": service.url,
        "ANSWERS": str(answers),
    }
    environment.pop("SIGNED_IN", None)
    if signed_in:
        environment["SIGNED_IN"] = "1"
    command = [
        SCHEMATHESIS,
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        document,
        f"--url={service.url}",
        f"--seed={seed}",
        "--no-color",
        *arguments,
    ]
    try:
        done = subprocess.run(command, cwd=answers.parent, env=environment, timeout=RUN, check=False)
    except subprocess.TimeoutExpired:
        print(f"schemathesis was not done after {RUN} s", file=sys.stderr)
        return False
    return done.returncode == 0


def never_succeeded(document, answers):
    """Operations without one answer of success: nothing of them was tested."""
    statuses = collections.defaultdict(set)
    for line in answers.read_text("utf-8").splitlines():
        operation, status = line.split()
        statuses[operation].add(int(status))
    operations = {
        operation["operationId"]
        for path in json.loads(document.read_text("utf-8"))["paths"].values()
        for operation in path.values()
    }
    return sorted(
        operation
        for operation in operations - UNREACHABLE
        if not any(200 <= status < 300 for status in statuses[operation])
    )


def main(binary, document, seed):
    binary, document = pathlib.Path(binary).resolve(), pathlib.Path(document).resolve()
    print(f"schemathesis: seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        answers = folder / "answers"
        answers.touch()
        with Service(binary, folder) as service:
            clean = run(service, document, answers, seed, True, "--max-examples=60")
            never = never_succeeded(document, answers)
            clean &= run(
                service,
                document,
                answers,
                seed,
                False,
                "--max-examples=20",
                "--phases=coverage,fuzzing",
                # Without a token there is nothing but refusals.
                "--warnings=off",
            )
        complaints = service.complaints()
    for operation in never:
        print(f"{operation} never succeeded, so it was not tested", file=sys.stderr)
    for line in complaints:
        print(f"the service complained: {line}", file=sys.stderr)
    return 0 if clean and not never and not complaints else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
