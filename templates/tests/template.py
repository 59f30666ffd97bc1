"""What `cargo generate` makes of this repository.

`template.py --cargo-generate PROGRAM [--all]` generates every pair of a store
and a bus and every deploy target from the working tree into a temporary folder,
and looks for what should not be there. Some of it is built: with `--all`, all.
"""

import argparse
import concurrent.futures
import os
import pathlib
import sys
import tempfile
import time

import builds
import refusals
import searches
from generating import PAIRS, TARGETS, Case, Template

# Between them, each with one backend of a kind; with all, this repository is.
CHECKED = [
    Case("sqlite", "memory"),
    Case("postgres", "nats", "kubernetes", page=False),
]
TESTED = [
    Case("postgres", "nats", "kubernetes"),
    Case("sqlite", "memory"),
    Case("sqlite", "memory", page=False),
]


def some_cases():
    """Every pair, and every target with one."""
    yield from (Case(store, bus) for store, bus in PAIRS)
    yield from CHECKED[1:]
    yield Case("sqlite", "memory", "docker")
    yield Case("sqlite", "memory", "fly", page=False)
    yield Case("postgres", "nats", "cloud-run")
    yield Case("both", "both", "systemd", page=False)


def all_cases():
    """Every pair, every target with a node's and with a cluster's backends, and
    no page."""
    yield from some_cases()
    for target in TARGETS:
        for store, bus in [("sqlite", "memory"), ("postgres", "nats"), ("both", "both")]:
            yield Case(store, bus, target)
            yield Case(store, bus, target, page=False)
    yield from TESTED


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cargo-generate", required=True, type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(prefix="template-") as folder:
        template = Template(root, asked.cargo_generate.resolve(), pathlib.Path(folder))
        cases = list(dict.fromkeys(all_cases() if asked.all else some_cases()))
        step("refused", refusals.check, template)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            generated = [
                pool.submit(step, f"generated {case}", searches.check, template, case)
                for case in cases
            ]
            for one in generated:
                one.result()
        for case in unalike(cases if asked.all else CHECKED):
            step(f"linted {case}", builds.lint, template, case)
        step(f"started {CHECKED[0]}", builds.start, template, CHECKED[0])
        step(f"extended {CHECKED[0]}", builds.extend, template, CHECKED[0])
        for case in TESTED if asked.all else []:
            step(f"tested {case}", builds.test, template, case)


def unalike(all_of_them):
    """Deploy targets are no matter of the compiler."""
    seen = {}
    for case in all_of_them:
        seen.setdefault((case.store, case.bus, case.page), case)
    return seen.values()


def step(what, do, *arguments):
    began = time.monotonic()
    try:
        do(*arguments)
    except Exception as failure:
        sys.exit(f"template: NOT {what}: {failure}")
    print(f"template: {what} ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
