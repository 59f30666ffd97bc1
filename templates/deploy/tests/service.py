"""The service's binary, and what it makes of an environment."""

import os
import pathlib
import re
import secrets
import shutil
import subprocess

BINARY = shutil.which(os.path.abspath(os.environ.get("SERVER_BINARY", ""))) or ""
# Seconds for a command that doesn't serve.
SOON = 60

# What secrets are where none are made.
SECRETS = {
    "JWT_SECRET": secrets.token_hex(32),
    "DATABASE_URL": "postgres://user:password@db.example/accounts?sslmode=verify-full",
    "NATS_URL": "tls://user:password@nats.example",
}


def run(arguments, env, folder):
    return subprocess.run(
        [BINARY, *arguments],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )


def with_secret_files(env, folder):
    """The environment with each secret's path replaced by one in `folder`."""
    found = dict(env)
    for name in env:
        if plain := re.fullmatch(r"(\w+)_FILE", name):
            file = pathlib.Path(folder) / plain[1]
            file.write_text(SECRETS[plain[1]] + "\n", "utf-8")
            found[name] = str(file)
    return found


def seconds(text):
    """A duration as `config show` writes it."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = re.fullmatch(r'"?(\d+)(ms|s|m|h|d)"?', text).groups()
    return int(number) * units[unit]


class Settings:
    """The configuration that an environment makes; anything wrong with it, or
    any variable that it doesn't know, is a failure of `test`.

    `warnings` are the keys that it may warn of.
    """

    def __init__(self, test, env, folder, warnings=()):
        checked = run(["config", "check"], env, folder)
        test.assertEqual((checked.returncode, checked.stdout), (0, "ok\n"), checked.stderr)
        warned = [line.split(": ")[1] for line in checked.stderr.splitlines()]
        test.assertEqual(warned, list(warnings), checked.stderr)
        shown = run(["config", "show"], env, folder)
        test.assertEqual(shown.returncode, 0, shown.stderr)
        self.values, origins = {}, set()
        for line in shown.stdout.splitlines():
            if found := re.match(r"(?:# )?([\w.]+) (?:= )?(.*?)  # <- (.*)", line):
                self.values[found[1]] = found[2]
                origins.update(found[3].split(", "))
        unused = {*env} - {"APP_PROFILE"} - origins
        if self.values["store.kind"] == '"postgres"':
            # An image with both stores says where the other one's file is.
            unused.discard("APP__STORE__PATH")
        test.assertEqual(unused, set(), "variables that set nothing")
        test.assertEqual(env.get("APP_PROFILE"), "production")

    def seconds(self, key):
        return seconds(self.values[key])

    def port(self, key="http.bind"):
        return int(re.search(r':(\d+)"', self.values[key])[1])

    def goes_within(self, test, grace):
        """The service ends before the platform ends it."""
        test.assertLess(self.seconds("shutdown.deadline"), grace)
