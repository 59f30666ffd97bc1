"""Fails if an OpenAPI document breaks clients of the one that was committed
before it, unless its version says so.

`python breaking.py PATH` compares the file with that of the last commit, or, if
they are the same, with that of the commit before which touched it. Below 1.0
another minor version permits a break, from 1.0 on another major one.
"""

import json
import pathlib
import re
import subprocess
import sys

from contract import breaks


def git(folder, *arguments):
    """What git prints; `None` if it can't."""
    command = ["git", "-C", folder, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def before(path):
    """The document that was committed before the one at `path`, and the commit;
    or `None`, and why there is none."""
    folder, name = path.parent, f"./{path.name}"
    try:
        shallow = git(folder, "rev-parse", "--is-shallow-repository")
    except FileNotFoundError:
        return None, "git is not installed"
    if shallow is None:
        return None, "this is not a git repository"
    commits = git(folder, "log", "--format=%H", "--max-count=2", "--", name) or ""
    now = path.read_text(encoding="utf-8")
    for commit in commits.split():
        text = git(folder, "show", f"{commit}:{name}")
        # A commit that took the file away has none.
        if text is not None and text != now:
            return json.loads(text), commit[:12]
    if shallow.strip() == "true":
        return None, "this is a shallow clone, and the commit before is not in it"
    return None, "no other one was ever committed"


def version(document):
    text = document["info"]["version"]
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    if not found:
        raise SystemExit(f"info.version {text!r} is no version of SemVer")
    return tuple(map(int, found.groups()))


def permits(old, new):
    """Whether a version may break clients of the other."""
    return new[0] > old[0] or old[0] == new[0] == 0 and new[1] > old[1]


def main(path):
    path = pathlib.Path(path).resolve()
    old, commit = before(path)
    if old is None:
        print(f"BREAKING CHANGES NOT LOOKED FOR: {commit}", file=sys.stderr)
        return 0
    new = json.loads(path.read_text(encoding="utf-8"))
    versions = version(old), version(new)
    found = breaks(old, new)
    for line in found:
        print(line, file=sys.stderr)
    names = [".".join(map(str, one)) for one in versions]
    if not found:
        print(f"{path.name}: breaks no client of {names[0]} ({commit})")
        return 0
    if permits(*versions):
        print(f"{path.name}: {names[1]} may break clients of {names[0]} ({commit}), and does, see above")
        return 0
    part = "minor" if versions[0][0] == 0 else "major"
    print(
        f"{path.name}: {names[1]} breaks clients of {names[0]} ({commit}); mend it, or raise the {part} version in Cargo.toml",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
