"""What EXTENDING.md says to write, and where.

A place is a line in bold, a file and how to find the line in it:

    **`src/some/file.rs`**, below `fn one`, below `match kind {`:

and the code block after it is what is written there. Each anchor is looked for
below the one before it. `a new file` has none.
"""

import re
from pathlib import Path

PLACE = re.compile(r"^\*\*`(?P<path>[^`]+)`\*\*, (?P<where>.+):$")
ANCHOR = re.compile(r"(within the line, )?(above|below|in place of) `([^`]+)`")


class Mistake(Exception):
    """The paper can't be followed."""


class Writing:
    """One block of code, and where it belongs."""

    def __init__(self, section, path, where, text):
        self.section, self.path, self.where, self.text = section, path, where, text

    def lines(self):
        """How many lines of it are neither empty nor comments."""
        lines = (line.strip() for line in self.text.splitlines())
        return sum(1 for line in lines if line and not line.startswith("//"))

    def into(self, project: Path):
        """Writes it."""
        file = project / self.path
        if self.where == "a new file":
            if file.exists():
                raise Mistake(f"{self.path} is there already")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.text)
            return
        anchors = ANCHOR.findall(self.where)
        if not anchors:
            raise Mistake(f"{self.path}: where is {self.where!r}?")
        text, at = file.read_text(), 0
        for _, _, anchor in anchors:
            found = text.find(anchor, at)
            if found < 0:
                raise Mistake(f"{self.path} has no {anchor!r}, of {self.where!r}")
            start, at = found, found + len(anchor)
        within, how, _ = anchors[-1]
        if within:
            text = text[:at] + self.text.strip() + " " + text[at:]
        else:
            start = text.rfind("\n", 0, start) + 1
            end = text.index("\n", at) + 1
            before = text[: end if how == "below" else start]
            after = text[start if how == "above" else end :]
            text = before + self.text + after
        file.write_text(text)


def writings(paper: Path):
    """All of them, in order."""
    section, place, block, found = None, None, None, []
    for line in paper.read_text().splitlines(keepends=True):
        if block is not None:
            if line.startswith("```"):
                found.append(Writing(section, place["path"], place["where"], "".join(block)))
                place = block = None
            else:
                block.append(line)
        elif line.startswith("## "):
            section = line[3:].strip()
        elif match := PLACE.match(line.strip()):
            place = match
        elif line.startswith("```") and place:
            block = []
        elif line.strip() and place:
            raise Mistake(f"no code follows {place['path']}")
    return found
