#!/usr/bin/env python3
"""Does what EXTENDING.md says in a copy of a project, and tests what comes of it.

    tests/extend/run.py PROJECT          in a copy, which is built and tried
    tests/extend/run.py --write PROJECT  there, and no more

Builds into CARGO_TARGET_DIR, or else the project's own target folder, with what
is there of its dependencies.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from markdown import Mistake, writings

HERE = Path(__file__).resolve().parent
LINES = 60
SKELETONS = {"bus": "bus-mine", "store": "store-mine"}


def copy(project: Path, to: Path):
    """What git knows of a project, and what it would, kept where it is unchanged."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listed, cwd=project, check=True, capture_output=True, text=True)
    shutil.rmtree(to, ignore_errors=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (project / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, to / name)


def is_chosen(project: Path, path: str):
    """Whether the project has the database that a file is for."""
    parts = Path(path).parts
    folders = {"migrations": 2, "backends": 2}
    if path.startswith(("backends/store-", "migrations/")):
        return (project.joinpath(*parts[: folders[parts[0]]])).is_dir()
    return True


def extend(project: Path):
    """Follows the paper; returns how many lines each section has one write."""
    lines = {}
    for writing in writings(project / "EXTENDING.md"):
        lines[writing.section] = lines.get(writing.section, 0) + writing.lines()
        if is_chosen(project, writing.path):
            writing.into(project)
    for section, count in lines.items():
        if count >= LINES:
            raise Mistake(f"{section}: {count} lines, of less than {LINES}")
    return lines


def build(project: Path, packages):
    """Builds tests; returns their executables by package and target."""
    command = ["cargo", "test", "--no-run", "--message-format=json-render-diagnostics"]
    command += ["--test", "extensions", "--test", "laws"]
    for package in packages:
        command += ["--package", package]
    built = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        raise Mistake("what EXTENDING.md says doesn't compile")
    found = {}
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and "test" in message["target"]["kind"]:
            folder = Path(message["manifest_path"]).parent.name
            found[folder, message["target"]["name"]] = message["executable"]
    return found


def name_of(manifest: Path):
    """The package's name."""
    lines = manifest.read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("name = "))


def main():
    """Returns the exit code."""
    project = Path(sys.argv[-1]).resolve()
    if sys.argv[1] == "--write":
        extend(project)
        return 0
    target = Path(os.environ.setdefault("CARGO_TARGET_DIR", str(project / "target")))
    # Always the same place, so that a second run compiles what has changed.
    work = target / "extend" / project.name
    copy(project, work)
    lines = extend(work)
    shutil.copy(HERE / "extensions.rs", work / "tests" / "extensions.rs")
    plain = work / "backends" / "bus-plain"
    (plain / "tests").mkdir()
    shutil.copy(HERE / "plain_laws.rs", plain / "tests" / "laws.rs")
    with (plain / "Cargo.toml").open("a") as manifest:
        skeleton = (work / "templates/backend/bus/Cargo.toml").read_text()
        start = skeleton.index("[dev-dependencies]")
        manifest.write("\n" + skeleton[start : skeleton.index("[lints]")])
    for kind, name in SKELETONS.items():
        shutil.copytree(work / "templates" / "backend" / kind, work / "backends" / name)

    packages = [name_of(work / "Cargo.toml"), "bus-plain", *SKELETONS.values()]
    executables = build(work, packages)
    for test in [(work.name, "extensions"), ("bus-plain", "laws")]:
        subprocess.run([executables[test]], cwd=work, check=True)
    # As they are they hold no law, and say so.
    for name in SKELETONS.values():
        run = [executables[name, "laws"]]
        told = subprocess.run(run, cwd=work, capture_output=True, text=True)
        if told.returncode == 0 or "not written yet" not in told.stdout:
            raise Mistake(f"{name} was to fail at the laws:\n{told.stdout}")
    told = ", ".join(f"{section}: {count}" for section, count in lines.items())
    print(f"extended; lines to write: {told}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Mistake, subprocess.CalledProcessError) as error:
        sys.exit(f"extend: {error}")
