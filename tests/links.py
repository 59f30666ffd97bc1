"""Fails if a Markdown file links to a file or heading that is not there."""

import pathlib
import re
import sys


def anchor(heading):
    """A heading's anchor, as GitHub makes it."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


def anchors(text):
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return {anchor(h) for h in re.findall(r"^#+ +(.+)$", prose, flags=re.M)}


def dead(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists():
            yield target
        elif fragment and file.suffix == ".md":
            if fragment not in anchors(file.read_text(encoding="utf-8")):
                yield target


def main(names):
    found = [(name, link) for name in names for link in dead(pathlib.Path(name))]
    for name, link in found:
        print(f"{name}: dead link {link}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
