"""What tests of rendered targets have in common."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import rendering
import yaml

TOOLS = pathlib.Path(sys.executable).parent


class Target(unittest.TestCase):
    """Tests of one target; `each` renders it for every pair of backends, into
    folders that tell in a failure which pair it was."""

    target = ""
    maxDiff = None

    def each(self):
        for store, bus in rendering.PAIRS:
            made = tempfile.TemporaryDirectory(prefix=f"{self.target}-{store}-{bus}-")
            self.addCleanup(made.cleanup)
            folder = pathlib.Path(made.name)
            yield store, bus, rendering.render(self.target, store, bus, folder / "project"), folder

    def judge(self, *command):
        """A validator that has nothing to say."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done


def documents(file):
    return list(yaml.safe_load_all(file.read_text("utf-8")))


def image_env(project):
    """What the Dockerfile says with ENV."""
    text = (project / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    found = {}
    for line in re.findall(r"^ENV (.*)$", text, flags=re.M):
        found.update(entry.split("=", 1) for entry in line.split())
    return found
