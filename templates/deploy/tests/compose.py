"""What Docker Compose reads out of a file, as far as the tests need it."""

import re

import yaml


def interpolate(text, variables):
    """`${NAME}` and `${NAME:?why}`; a variable that isn't given stays as it is."""
    return re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", lambda found: variables.get(found[1], found[0]), text)


class Stack:
    """The services of a compose file."""

    def __init__(self, file, variables=None):
        text = interpolate(file.read_text("utf-8"), variables or {})
        content = yaml.safe_load(text)
        self.services = content["services"]
        self.secrets = {
            name: (file.parent / secret["file"]).resolve()
            for name, secret in content["secrets"].items()
        }

    def env(self, name):
        """A service's environment, where secrets are on this machine."""
        found = dict(self.services[name].get("environment", {}))
        for variable, value in found.items():
            if match := re.fullmatch(r"/run/secrets/(.+)", value):
                if match[1] not in self.services[name]["secrets"]:
                    raise KeyError(f"{name} does not get the secret {match[1]}")
                found[variable] = str(self.secrets[match[1]])
        return found
