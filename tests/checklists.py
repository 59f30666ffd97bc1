"""Fails if a checklist of security names a test that is not there, leaves a
requirement out, or says of one neither what shows it nor why there is nothing.

A row begins with the number of a requirement. The last two cells are a verdict
and what stands behind it, where a test is named by its file and its name,
`tests/api/tokens.rs::confused_headers`. Tests are looked up in the source: what
is gone, renamed, or no test any more is an error.
"""

import pathlib
import re
import sys

VERDICTS = {"met", "in part", "not met", "the operator's", "not applicable"}

# How many requirements each section has, of the chapters of which none may be
# left out: OWASP ASVS 5.0.0, and the practices of two RFCs.
WHOLE = {
    "ASVS.md": {
        "4.1": 5, "4.2": 5, "4.3": 2, "4.4": 4,
        "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
        "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
        "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
        "9.1": 3, "9.2": 4,
    },
    "RFC8725.md": {"3": 12},
    "RFC9700.md": {"2": 6, "4": 17},
}

# What a project was generated with, and without, is told in comments.
COMMENT = re.compile(r"<!--.*?-->")
ROW = re.compile(r"^\| (?P<number>\d+(?:\.\d+)+) \|(?P<cells>.*)\|$")
SPAN = re.compile(r"`([^`]+)`")

# A function behind an attribute that makes it a test, or a law: a test of every
# backend.
RUST = r"#\[(?:tokio::)?test[^\n]*\n\s*(?:#\[[^\n]*\n\s*)*(?:async )?fn {}\("
LAW = r"^\s+async fn {}\(\w+\) \{{"
SCRIPT = r"^\s*(?:test|story)\(\s*\"{}\""


def is_there(root, named):
    """Whether there is such a test."""
    file, _, name = named.partition("::")
    path = root / file
    if not path.is_file():
        return False
    if path.suffix == ".rs":
        pattern = LAW if "conformance" in path.parts else RUST
    elif path.suffix == ".js":
        pattern = SCRIPT
    else:
        return False
    source = path.read_text(encoding="utf-8")
    return re.search(pattern.format(re.escape(name)), source, re.M) is not None


def mistakes(root, paper):
    """What is wrong with a checklist, as lines."""
    numbers = []
    for line in COMMENT.sub("", paper.read_text(encoding="utf-8")).splitlines():
        tests = [span for span in SPAN.findall(line) if "::" in span]
        yield from (f"there is no test {test}" for test in tests if not is_there(root, test))
        row = ROW.match(line)
        if row is None:
            continue
        number = row["number"]
        numbers.append(number)
        *_, verdict, behind = (cell.strip() for cell in row["cells"].split(" | "))
        if verdict not in VERDICTS:
            yield f"{number}: {verdict!r} is no verdict"
        if not behind:
            yield f"{number}: nothing stands behind it"
        elif verdict == "met" and not tests and "](" not in behind:
            yield f"{number}: neither a test nor a paper shows it"
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"{number}: more than one row"
    for section, count in WHOLE.get(paper.name, {}).items():
        for each in range(1, count + 1):
            if f"{section}.{each}" not in numbers:
                yield f"{section}.{each}: no row"


def main(names):
    root = pathlib.Path(__file__).resolve().parents[1]
    found = [(name, mistake) for name in names for mistake in mistakes(root, pathlib.Path(name))]
    for name, mistake in found:
        print(f"{name}: {mistake}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
