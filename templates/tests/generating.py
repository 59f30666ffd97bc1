"""Generates projects, as somebody would who has a clone of this repository."""

import dataclasses
import os
import pathlib
import shutil
import subprocess

PAIRS = [
    ("sqlite", "memory"),
    ("postgres", "memory"),
    ("postgres", "nats"),
    ("postgres", "both"),
    ("both", "memory"),
    ("both", "nats"),
    ("both", "both"),
]
TARGETS = ["docker", "kubernetes", "fly", "cloud-run", "systemd"]
NAME = "my-chat"


@dataclasses.dataclass(frozen=True)
class Case:
    """The answers to the questions."""

    store: str
    bus: str
    deploy: str = "none"
    page: bool = True

    def __str__(self):
        page = "page" if self.page else "no page"
        return f"{self.store}, {self.bus}, {self.deploy}, {page}"

    def answers(self):
        page = "true" if self.page else "false"
        for name in ("store", "bus", "deploy"):
            yield f"{name}={getattr(self, name)}"
        yield f"page={page}"


class Template:
    """This repository's files as they are now, without what git ignores."""

    def __init__(self, root, program, folder):
        self.root = root
        self.program = program
        self.folder = folder
        self.source = folder / "source"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            # Thousands of files that no project gets would be copied each time.
            if (root / name).is_file() and not name.startswith("fuzz/corpus/"):
                (self.source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, self.source / name)

    def run(self, name, answers, destination):
        """Generates; what was said, and whether it worked."""
        destination.mkdir(parents=True, exist_ok=True)
        arguments = [arg for answer in answers for arg in ("-d", answer)]
        return subprocess.run(
            [self.program, "generate", "--path", self.source, "--name", name, "--silent",
             "--destination", destination, *arguments],
            # Where nobody is signed in, it wants to know who is there.
            env={**os.environ, "USER": "somebody", "NO_COLOR": "1", "RUST_BACKTRACE": "0"},
            cwd=self.folder, capture_output=True, text=True, check=False,
        )

    def generate(self, case, destination):
        done = self.run(NAME, case.answers(), destination)
        if done.returncode != 0:
            raise AssertionError(f"{done.stdout}{done.stderr}")
        return destination / NAME

    def project(self, case):
        """The project of these answers, generated once."""
        project = self.folder / str(case).replace(", ", "-") / NAME
        return project if project.exists() else self.generate(case, project.parent)


def files(project):
    """Every file but those of git and of builds, by its path in the project."""
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        skipped = {".git", "target", ".tools", "node_modules"}.intersection(name.parts)
        if path.is_file() and not skipped:
            yield str(name), path.read_bytes()
