"""The compose files."""

import subprocess
import unittest

import compose
import judged
import rendering
import service


class Compose(judged.Target):
    target = "docker"

    def files(self, project):
        return sorted((project / "deploy").glob("*/compose.yaml"))

    def test_there_is_one_for_every_way_to_run_it(self):
        for store, bus, project, _ in self.each():
            expected = ["cluster"] if rendering.has_cluster(store, bus) else []
            expected += ["one-node"] if rendering.has_one_node(bus) else []
            self.assertEqual([file.parent.name for file in self.files(project)], expected)

    def test_they_follow_the_specification(self):
        for *_, project, _ in self.each():
            self.judge(
                judged.TOOLS / "check-jsonschema",
                "--builtin-schema=vendor.compose-spec",
                *self.files(project),
            )

    def test_the_service_knows_its_settings_and_ends_in_time(self):
        for *_, project, _ in self.each():
            subprocess.run(["deploy/secrets.sh"], cwd=project, check=True, timeout=60)
            for file in self.files(project):
                cluster = file.parent.name == "cluster"
                stack = compose.Stack(file, {"DOMAIN": "chat.example.com", "ALLOWED_ORIGINS": "https://a.example"})
                nodes = [name for name in stack.services if name.startswith("node")]
                self.assertEqual(len(nodes), 3 if cluster else 1)
                for name in nodes:
                    node = stack.services[name]
                    # Nothing has TLS inside of the network of one machine.
                    urls = {"DATABASE_URL_FILE": "store.url", "NATS_URL_FILE": "bus.url"}
                    plain = [urls[variable] for variable in urls if variable in node["environment"]]
                    env = judged.image_env(project) | stack.env(name)
                    settings = service.Settings(self, env, project, warnings=plain)
                    settings.goes_within(self, service.seconds(node["stop_grace_period"]))
                    self.assertEqual(settings.port(), 9000)
                    self.assertTrue(node["read_only"])

    def test_secrets_are_made_once_and_kept_from_others(self):
        for *_, project, _ in self.each():
            seen = []
            for _ in range(2):
                subprocess.run([project / "deploy/secrets.sh"], check=True, timeout=60)
                files = sorted((project / "deploy/secrets").iterdir())
                seen.append({file.name: file.read_text("utf-8") for file in files})
            self.assertEqual(seen[0], seen[1])
            self.assertEqual((project / "deploy/secrets").stat().st_mode & 0o777, 0o700)
            self.assertRegex(seen[0]["jwt_secret"], r"^[0-9a-f]{64}\n$")
            ignored = (project / "deploy/.gitignore").read_text("utf-8").splitlines()
            self.assertIn("/secrets", ignored)
            named = {name for file in self.files(project) for name in compose.Stack(file).secrets}
            self.assertEqual(named - {*seen[0]}, set())


if __name__ == "__main__":
    unittest.main()
