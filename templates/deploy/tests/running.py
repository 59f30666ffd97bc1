"""Processes as a host would run them, on ports of this machine, ended by their
own ids when the test ends."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import service

# Who an image's process is. Whoever may not become that stays who it is.
NOBODY = 65532
# Seconds for anything to come up.
START = 60


def free_port():
    """A port that nobody listens on, and that the kernel gives nobody by itself:
    any connection could have taken one of those before the server does."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def eventually(what, holds, seconds=START):
    """Waits until `holds`, and fails after so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Host:
    """A machine with its processes, in a folder of its own."""

    def __init__(self, test):
        made = tempfile.TemporaryDirectory(prefix="deploy-")
        test.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)
        # Whoever the processes are, they may look into it.
        self.folder.chmod(0o755)
        self.binary = self.folder / "service"
        shutil.copy(service.BINARY, self.binary)
        self.running = {}
        test.addCleanup(self.stop_all)

    def make(self, name, owner=None):
        """A folder; if it has an owner, of nobody else."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        if owner is None:
            folder.chmod(0o755)
        elif os.geteuid() == 0:
            shutil.chown(folder, owner, owner)
        return folder

    def start(self, name, command, env, folder, user=None):
        as_user = {"user": user, "group": user, "extra_groups": []} if user and os.geteuid() == 0 else {}
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                env=env,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **as_user,
            )

    def log(self, name):
        return self.folder / f"{name}.log"

    def said(self, name):
        return self.log(name).read_text("utf-8", "replace")

    def healthy(self, env, *arguments):
        """What the image's HEALTHCHECK says."""
        command = [self.binary, "healthcheck", *arguments]
        done = subprocess.run(command, env=env, cwd="/", capture_output=True, timeout=30, check=False)
        return done.returncode == 0

    def until(self, name, holds):
        """Waits until a process is up; one that ends is a failure, and says why."""

        def up():
            if self.running[name].poll() is not None:
                raise AssertionError(f"{name} ended:\n{self.said(name)}")
            return holds()

        eventually(f"{name} is up", up)

    def stop(self, name, seconds):
        """Ends it as the host does; its exit code, if it takes no longer."""
        process = self.running.pop(name)
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def stop_all(self):
        for process in reversed(self.running.values()):
            # Postgres waits for its clients unless it is told not to.
            process.send_signal(signal.SIGINT)
        for name in list(self.running):
            self.stop(name, 5)
