"""Answers of which nothing can be made are refused, and the reason is said."""

from generating import NAME

GOOD = ["store=sqlite", "bus=memory"]
REFUSED = [
    ("9lives", GOOD, "can't be the name"),
    ("über", GOOD, "can't be the name"),
    ("x" * 64, GOOD, "can't be the name"),
    ("fn", GOOD, "is called so already"),
    ("test", GOOD, "is called so already"),
    ("contract", GOOD, "is called so already"),
    ("service", GOOD, "is called so already"),
    (NAME, ["store=sqlite", "bus=nats"], "several nodes can't share a SQLite file"),
    (NAME, ["store=sqlite", "bus=both"], "several nodes can't share a SQLite file"),
    (NAME, ["store=mysql"], "store"),
    (NAME, ["deploy=heroku"], "deploy"),
]


def check(template):
    for number, (name, answers, reason) in enumerate(REFUSED):
        is_refused(template, name, answers, f"refused-{number}", reason)
    workspace = template.folder / "workspace"
    workspace.mkdir()
    (workspace / "Cargo.toml").write_text('[workspace]\nmembers = ["*"]\n')
    is_refused(template, NAME, GOOD, "workspace", "inside another Cargo project")


def is_refused(template, name, answers, folder, reason):
    destination = template.folder / folder
    done = template.run(name, answers, destination)
    said = done.stdout + done.stderr
    if done.returncode == 0 or reason not in said:
        raise AssertionError(f"{name} {answers}: {said}")
    left = [path for path in destination.rglob("*") if path.is_file()]
    if [path.name for path in left] not in ([], ["Cargo.toml"]):
        raise AssertionError(f"{name} {answers} left {left}")
