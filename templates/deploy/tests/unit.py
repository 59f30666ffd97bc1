"""The systemd unit, as far as the tests need to read it."""

import re
import shlex


def entries(text):
    """Each setting of a unit, in its order."""
    for line in text.splitlines():
        if found := re.match(r"(\w+)=(.*)", line):
            yield found[1], found[2]


def values(text, key):
    return [value for name, value in entries(text) if name == key]


def environment(text, file, credentials):
    """What the service gets: `EnvironmentFile` is `file`, `%d` is the folder
    `credentials`. systemd lets the file win."""
    found = {}
    for value in values(text, "Environment"):
        for entry in shlex.split(value.replace("%d", str(credentials))):
            name, value = entry.split("=", 1)
            found[name] = value
    for line in file.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found[name] = value
    return found
