"""What `cargo generate` makes of a deploy target.

Two rules say which folders of a target a project gets; the template's hook
follows them, too:

- `deploy/cluster` where the store and the bus can be shared by several nodes,
- `deploy/one-node` where the bus may be the one inside the process.
"""

import pathlib
import shutil
import sys

import liquid

FOLDER = pathlib.Path(__file__).resolve().parent.parent
# What can be answered is said once, beside the tests of the whole template.
sys.path.append(str(FOLDER.parent / "tests"))
from generating import NAME, PAIRS, TARGETS

# Those that run an image have the Dockerfile as well.
WITHOUT_IMAGE = ["systemd"]

ENVIRONMENT = liquid.Environment(tolerance=liquid.Mode.STRICT, undefined=liquid.StrictUndefined)


def has_cluster(store, bus):
    return store != "sqlite" and bus != "memory"


def has_one_node(bus):
    return bus != "nats"


def render(target, store, bus, into):
    """Makes the target's files in the folder `into`, as in a new project."""
    answers = {"project-name": NAME, "store": store, "bus": bus}
    parts = [target] if target in WITHOUT_IMAGE else ["image", target]
    for part in parts:
        shutil.copytree(FOLDER / part, into, dirs_exist_ok=True)
    dropped = {"cluster": not has_cluster(store, bus), "one-node": not has_one_node(bus)}
    for folder, drop in dropped.items():
        if drop:
            shutil.rmtree(into / "deploy" / folder, ignore_errors=True)
    for file in into.rglob("*"):
        if file.is_file():
            template = ENVIRONMENT.from_string(file.read_text("utf-8"))
            file.write_text(template.render(**answers), "utf-8")
    return into
