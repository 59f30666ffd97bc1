"""One table of all that was measured, printed, and written as Markdown with plots.

`report.py FOLDER WHERE` reads what the benches wrote into FOLDER, and writes
RESULTS.md and plots/ into WHERE.
"""

import datetime
import os
import pathlib
import platform
import subprocess
import sys

import plots
import table

HEADINGS = ["figure", "measured", "limit", "ratio", "goal", "met"]


def results(tables):
    """All results: (what they are of, rows with the verdict)."""
    for each in tables:
        if each.is_results:
            yield each.title, [row + [table.verdict(row)] for row in each.rows]


def printed(groups):
    """Aligned columns."""
    rows = [HEADINGS]
    for title, group in groups:
        rows += [[title]] + group
    full = [row for row in rows if len(row) == len(HEADINGS)]
    widths = [max(len(row[at]) for row in full) for at in range(len(HEADINGS))]
    for row in rows:
        if len(row) == 1:
            yield f"\n{row[0]}"
        else:
            first, *rest = (
                text.rjust(width) if at else text.ljust(width)
                for at, (text, width) in enumerate(zip(row, widths))
            )
            yield "  ".join([first, *rest]).rstrip()


def one_table(groups):
    yield table.cells(HEADINGS)
    yield table.cells(["---"] + ["---:"] * (len(HEADINGS) - 1))
    for title, group in groups:
        yield table.cells([f"**{title}**"] + [""] * (len(HEADINGS) - 1))
        for name, *rest, met in group:
            # What belongs to the row above it.
            name = f"– {name.strip()}" if name.startswith(" ") else name
            yield table.cells([name, *rest, f"**{met}**" if met == "no" else met])


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine():
    """Where and when, in a sentence or two."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.split(":")[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    commit = git("rev-parse", "--short=10", "HEAD") or "unknown"
    if git("status", "--porcelain", "--untracked-files=no"):
        commit += " and changes"
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return (
        f"{date}, commit {commit}, on {len(os.sched_getaffinity(0))} cores of "
        f"{names[0] if names else 'an unknown processor'}, {memory:.0f} GiB, "
        f"Linux {platform.release()}; server and load share the cores."
    )


def document(tables, groups, drawn):
    """RESULTS.md."""
    verdicts = [row[-1] for _, group in groups for row in group]
    yield "# What it costs, beside others\n"
    yield "`make bench` writes this file.\n"
    yield f"{machine()}\n"
    if os.environ.get("BENCH_QUICK") == "1":
        yield "The rounds were short ones: they show that everything runs, and little more.\n"
    yield (
        "The limit is the cheapest program that can do the same, measured in the same "
        "run, round by round in turn; the ratio is the median of those of the rounds. A "
        "goal with a unit is for the figure, one without is for the ratio. "
        f"{verdicts.count('yes')} goals are met, {verdicts.count('no')} are not.\n"
    )
    yield from one_table(groups)
    reasons = pathlib.Path(__file__).with_name("reasons.md").read_text(encoding="utf-8")
    yield f"\n## What is not met, and why\n\n{reasons.rstrip()}"
    for heading, name, words in drawn:
        yield f"\n## {heading}\n"
        yield f"![{words}](plots/{name})"
    yield "\n## Everything else that was measured"
    for each in tables:
        if not each.is_results:
            yield f"\n### {each.title}\n"
            yield each.markdown()


def main(folder, where):
    tables = table.read(folder)
    if not tables:
        print(f"no bench has written anything into {folder}", file=sys.stderr)
        return 1
    groups = list(results(tables))
    where = pathlib.Path(where)
    drawn = list(plots.draw(tables, where / "plots"))
    text = "\n".join(document(tables, groups, drawn)) + "\n"
    (where / "RESULTS.md").write_text(text, encoding="utf-8")
    print("\n".join(printed(groups)))
    print(f"\nwritten to {where / 'RESULTS.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
