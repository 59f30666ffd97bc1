"""What hosts do to a process, done to the binary: the environment of each
target, a read-only root, a port that is given, and the end that they make."""

import subprocess
import time
import unittest
import urllib.error
import urllib.request

import compose
import judged
import rendering
import running
import service
import unit


def status(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


class Hosts(unittest.TestCase):
    def serve(self, host, command, env, folder, user=None):
        host.start("node", command, env, folder, user=user)
        host.until("node", lambda: host.healthy(env))

    def test_one_node_of_the_compose_file_writes_into_its_volume_alone(self):
        host = running.Host(self)
        project = rendering.render("docker", "sqlite", "memory", host.folder / "project")
        subprocess.run([project / "deploy/secrets.sh"], check=True, timeout=60)
        (project / "deploy/secrets").chmod(0o755)
        variables = {"ALLOWED_ORIGINS": "https://chat.example.com"}
        stack = compose.Stack(project / "deploy/one-node/compose.yaml", variables)
        self.assertEqual(stack.services["node"]["volumes"], ["data:/data"])
        # The volume has the owner that the image gives it.
        volume = host.make("data", owner=running.NOBODY)
        image = {name: value.replace("/data", str(volume), 1) for name, value in judged.image_env(project).items()}
        port = running.free_port()
        env = image | stack.env("node") | {"GATEWAY_BIND_ADDR": f"127.0.0.1:{port}"}
        # A working folder that nothing can be written to.
        folder = host.make("root")
        folder.chmod(0o555)
        self.serve(host, [host.binary], env, folder, user=running.NOBODY)
        self.assertEqual(status(port, "/readyz"), 200)
        self.assertTrue(host.healthy(env, "--live"))
        self.assertEqual(list(folder.iterdir()), [])
        self.assertTrue((volume / "accounts.db").exists())
        grace = service.seconds(stack.services["node"]["stop_grace_period"])
        self.assertEqual(host.stop("node", grace), 0, host.said("node"))
        self.assertFalse(host.healthy(env, "--live"))

    def test_the_unit_starts_it(self):
        host = running.Host(self)
        project = rendering.render("systemd", "sqlite", "memory", host.folder / "project")
        text = (project / "deploy/unit.service").read_text("utf-8")
        credentials = host.make("credentials", owner=running.NOBODY)
        env = unit.environment(text, project / "deploy/environment", credentials)
        (credentials / "jwt_secret").write_text(service.SECRETS["JWT_SECRET"], "utf-8")
        (credentials / "jwt_secret").chmod(0o444)
        env["GATEWAY_BIND_ADDR"] = f"127.0.0.1:{running.free_port()}"
        state = host.make("state", owner=running.NOBODY)
        self.assertEqual(unit.values(text, "ExecStart"), ["/usr/local/bin/my-chat"])
        self.serve(host, [host.binary], env, state, user=running.NOBODY)
        self.assertTrue((state / "data/accounts.db").exists())
        self.assertEqual(host.stop("node", int(unit.values(text, "TimeoutStopSec")[0])), 0, host.said("node"))

    def test_a_platform_gives_the_port_and_ends_it(self):
        host = running.Host(self)
        project = rendering.render("cloud-run", "sqlite", "memory", host.folder / "project")
        (manifest,) = judged.documents(project / "deploy/service.yaml")
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        volume = host.make("data", owner=running.NOBODY)
        env = {name: value.replace("/data", str(volume), 1) for name, value in judged.image_env(project).items()}
        env |= {entry["name"]: entry["value"] for entry in container["env"]}
        secrets = host.make("secrets")
        env = service.with_secret_files(env, secrets)
        env |= {"PORT": str(running.free_port()), "K_SERVICE": "rooms"}
        # PORT is every address, and a test listens on this machine alone.
        env["GATEWAY_BIND_ADDR"] = f"127.0.0.1:{env['PORT']}"
        started = time.monotonic()
        self.serve(host, [host.binary], env, "/", user=running.NOBODY)
        print(f"serves {time.monotonic() - started:.2f} s after its start", flush=True)
        self.assertIn("warning: store: the disk of an instance of Cloud Run", host.said("node"))
        self.assertEqual(status(env["PORT"], container["startupProbe"]["httpGet"]["path"]), 200)
        self.assertEqual(status(env["PORT"], container["livenessProbe"]["httpGet"]["path"]), 200)
        self.assertEqual(host.stop("node", 10), 0, host.said("node"))


if __name__ == "__main__":
    unittest.main()
