"""The configuration for Fly.io. Its makers publish no schema: what is listed
here is what their reference lists."""

import tomllib
import unittest

import judged
import rendering
import service

KEYS = {
    "": {"app", "primary_region", "kill_signal", "kill_timeout", "env", "http_service", "metrics", "mounts", "vm"},
    "http_service": {
        "internal_port",
        "force_https",
        "auto_stop_machines",
        "auto_start_machines",
        "min_machines_running",
        "concurrency",
        "checks",
    },
    "concurrency": {"type", "soft_limit", "hard_limit"},
    "checks": {"method", "path", "interval", "timeout", "grace_period"},
    "metrics": {"port", "path"},
    "mounts": {"source", "destination"},
    "vm": {"size", "memory"},
}


class Fly(judged.Target):
    target = "fly"

    def configured(self, project):
        found = tomllib.loads((project / "fly.toml").read_text("utf-8"))
        self.known("", found)
        return found

    def known(self, name, table):
        self.assertEqual({*table} - KEYS[name], set(), name)
        for key, value in table.items():
            if key != "env":
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, dict):
                        self.known(key, part)

    def test_the_service_knows_its_settings_and_ends_in_time(self):
        for store, bus, project, folder in self.each():
            found = self.configured(project)
            http = found["http_service"]
            # As `fly secrets set` of the README gives them.
            env = judged.image_env(project) | found["env"]
            readme = (project / "deploy/README.md").read_text("utf-8")
            env |= {name: value for name, value in service.SECRETS.items() if f" {name}=" in readme}
            settings = service.Settings(self, env, folder)
            settings.goes_within(self, found["kill_timeout"])
            self.assertEqual(found["kill_signal"], "SIGTERM")
            self.assertEqual(settings.port(), http["internal_port"])
            self.assertEqual(settings.port("metrics.bind"), found["metrics"]["port"])
            check = http["checks"][0]
            self.assertGreater(settings.seconds("shutdown.drain_delay"), service.seconds(check["interval"]))
            cluster = rendering.has_cluster(store, bus)
            self.assertEqual(http["min_machines_running"], 0 if cluster else 1)
            self.assertEqual(settings.values["store.kind"], '"sqlite"' if "mounts" in found else '"postgres"')
            for mount in found.get("mounts", []):
                self.assertEqual(mount["destination"], "/data")


if __name__ == "__main__":
    unittest.main()
