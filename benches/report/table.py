"""The tables that benches wrote, and whether a figure meets its goal."""

import json
import pathlib
import re

RESULTS = ["figure", "service", "limit", "ratio", "goal"]

NUMBER = r"(?P<number>-?[\d,]+(?:\.\d+)?)"
GOAL = re.compile(rf"(?P<sign><=|>=|<|>) {NUMBER} ?(?P<unit>\S*)$")
FIGURE = re.compile(rf"{NUMBER} ?(?P<unit>[^\s(]*)")

# In bytes; other units are what they are.
UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


class Table:
    """A title, headings, and rows of text."""

    def __init__(self, bench, title, headings, rows):
        self.bench, self.title = bench, title
        self.headings, self.rows = headings, rows

    @property
    def is_results(self):
        return self.headings == RESULTS

    def column(self, heading):
        """The numbers of a column; `None` where there is none."""
        at = self.headings.index(heading)
        return [number(row[at]) for row in self.rows]

    def markdown(self):
        lines = [cells(self.headings), cells(["---"] + ["---:"] * (len(self.headings) - 1))]
        return "\n".join(lines + [cells(row) for row in self.rows])


def cells(texts):
    """A row of Markdown."""
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def number(text):
    """The number that a text starts with."""
    found = FIGURE.match(text.strip())
    return float(found["number"].replace(",", "")) if found else None


def measure(text):
    """The same, in the unit that goals are compared in, and that unit."""
    found = FIGURE.match(text.strip())
    if not found:
        return None, ""
    unit = found["unit"]
    value = float(found["number"].replace(",", ""))
    return value * UNITS.get(unit, 1), "bytes" if unit in UNITS else unit


def verdict(row):
    """"yes" or "no", and "" where there is no goal. A goal with a unit is for the
    figure, one without is for the ratio."""
    _, figure, _, ratio, goal = row
    if goal in ("", "-"):
        return ""
    found = GOAL.match(goal)
    if not found:
        raise ValueError(f"{row[0]}: {goal!r} is no goal")
    wanted, unit = measure(f"{found['number']} {found['unit']}")
    if unit in ("", "x"):
        value = number(ratio)
    else:
        value, own = measure(figure)
        if value is not None and own not in ("", unit):
            raise ValueError(f"{row[0]}: {figure!r} can't be held against {goal!r}")
    if value is None:
        return "not measured"
    met = {
        "<=": value <= wanted,
        ">=": value >= wanted,
        "<": value < wanted,
        ">": value > wanted,
    }[found["sign"]]
    return "yes" if met else "no"


def read(folder):
    """All tables that were written into a folder, those of a bench in the order
    in which it printed them."""
    tables = []
    for path in sorted(pathlib.Path(folder).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            headings, *rows = (written := json.loads(line))["rows"]
            tables.append(Table(path.stem, written["title"], headings, rows))
    return tables
