"""What must not be in a generated project, and what must."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

from generating import NAME, files

# In any file, and in any file's name.
NOWHERE = {
    "this repository's name": r"roomkey",
    "a tag": r"\{%|%\}|\{\{-? *(newline|project-name)",
}
UNCHOSEN = {
    "sqlite": r"sqlite",
    "postgres": r"postgres|psql|libpq|\bpg_",
    "nats": r"(?<![a-z])nats(?![a-z])|jetstream|\bnkeys",
    "memory": r"bus[-_:]+memory|MemoryBus|history_bytes",
    "page": r"""http\.page|http::page|serves_page|feature = "page"|HTTP__PAGE|["'(/]page/""",
}
GONE = ["benches", "fuzz", "cargo-generate.toml", ".ci", "templates/deploy", "templates/tests",
        "templates/prepare.rhai", "templates/README.md", "tests/corpus.rs", "tests/extend",
        "tests/papers", "tests/monitoring", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
# Packages in Cargo.lock of which each database or bus is a part.
PACKAGES = {
    "sqlite": r"sqlite", "postgres": r"postgres|webpki-roots", "nats": r"nats|nkeys",
    "memory": r"bus-memory",
}


def check(template, case):
    project = template.project(case)
    found = dict(files(project))
    for name in GONE:
        expect(not (project / name).exists(), f"{name} is left")
    for name, content in found.items():
        if name != "Cargo.lock":
            search(template, case, name, content.decode(errors="replace"))
    with tempfile.TemporaryDirectory(dir=template.folder) as folder:
        again = dict(files(template.generate(case, pathlib.Path(folder))))
    expect(again == found, f"another generation differs: {differing(found, again)}")
    run(project, "cargo", "fmt", "--all", "--check")
    papers = [name for name in found if name.endswith(".md")]
    run(project, sys.executable, "-B", "tests/links.py", *papers)
    checklists = [name for name in papers if name.startswith("security/")]
    run(project, sys.executable, "-B", "tests/checklists.py", *checklists)
    targets(case, project)
    followed(template, project, pathlib.Path(template.folder))
    lock(template, case, project)


def targets(case, project):
    """Deploy files are those of the target, for the nodes that there can be."""
    expect((project / "deploy").exists() == (case.deploy != "none"), "deploy/")
    image = case.deploy not in ("none", "systemd")
    expect((project / "Dockerfile").exists() == image, "Dockerfile")
    if case.deploy in ("docker", "kubernetes"):
        cluster = case.store != "sqlite" and case.bus != "memory"
        expect((project / "deploy/cluster").exists() == cluster, "deploy/cluster")
    if case.deploy == "docker":
        expect((project / "deploy/one-node").exists() == (case.bus != "nats"), "deploy/one-node")


def followed(template, project, folder):
    """There is a place for all that EXTENDING.md tells to write."""
    with tempfile.TemporaryDirectory(dir=folder) as copy:
        copy = shutil.copytree(project, pathlib.Path(copy) / NAME, symlinks=True,
                               ignore=shutil.ignore_patterns(".git", "target"))
        run(copy, sys.executable, "-B", template.source / "tests/extend/run.py", "--write", copy)


def unchosen(case):
    if case.store != "both":
        yield "sqlite" if case.store == "postgres" else "postgres"
    if case.bus != "both":
        yield "memory" if case.bus == "nats" else "nats"


def search(template, case, name, text):
    for what, pattern in NOWHERE.items():
        expect_none(what, pattern, name, text)
    for kind in [*unchosen(case), *([] if case.page else ["page"])]:
        # Where a file is not enough, what would be is named.
        if (case.deploy, name, kind) == ("cloud-run", "deploy/README.md", "postgres"):
            continue
        expect_none(f"{kind}, which was not chosen", UNCHOSEN[kind], name, text)
    original = template.source / name
    before = original.read_text(errors="replace") if original.exists() else ""
    if "{%" in before:
        expect(empty(text) <= empty(before), f"{name}: an empty comment is left")
        expect("\n\n\n" not in text and not text.endswith("\n\n"), f"{name}: a hole is left")


def empty(text):
    """How many comments say nothing."""
    return sum(line.strip() in ("//", "#") for line in text.splitlines())


def expect_none(what, pattern, name, text):
    expect(not re.search(pattern, name, re.IGNORECASE), f"{name}: {what}")
    for number, line in enumerate(text.splitlines(), 1):
        expect(not re.search(pattern, line, re.IGNORECASE), f"{name}:{number}: {what}: {line.strip()}")


def lock(template, case, project):
    """The first command that isn't told `--locked` names the project in
    Cargo.lock and drops what wasn't chosen; it changes nothing else."""
    before = packages(template.source)
    run(project, "cargo", "metadata", "--format-version", "1")
    run(project, "cargo", "metadata", "--format-version", "1", "--locked")
    after = packages(project)
    new = {name for name, _ in after - before}
    expect(new == {NAME}, f"new in Cargo.lock: {new}")
    for kind in ["mysql", *unchosen(case)]:
        left = [name for name, _ in after if re.search(PACKAGES.get(kind, kind), name)]
        expect(not left, f"left in Cargo.lock: {left}")


def packages(project):
    with (project / "Cargo.lock").open("rb") as file:
        return {(one["name"], one["version"]) for one in tomllib.load(file)["package"]}


def run(project, *command):
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def differing(one, other):
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def expect(holds, otherwise):
    if not holds:
        raise AssertionError(otherwise)
