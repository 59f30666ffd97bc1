"""The cluster of the compose file, as processes of this machine: the same
commands, environments, files and probes, with other ports."""

import os
import pathlib
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request

import compose
import judged
import rendering
import running
import service

NODES = ["node-1", "node-2", "node-3"]
SERVERS = ["nats-1", "nats-2", "nats-3"]
PORTS = [f"{node}:{port}" for node in NODES for port in (9000, 9464)] + ["postgres:5432"]
PORTS += [f"{server}:{port}" for server in SERVERS for port in (4222, 6222, 8222)]


class Cluster:
    def __init__(self, test):
        self.host = running.Host(test)
        project = rendering.render("docker", "postgres", "nats", self.host.folder / "project")
        subprocess.run([project / "deploy/secrets.sh"], check=True, timeout=60)
        self.deploy = project / "deploy"
        self.image = judged.image_env(project)
        self.stack = compose.Stack(self.deploy / "cluster/compose.yaml", {"DOMAIN": "localhost"})
        # What the names of the compose file's network stand for.
        self.addresses = {name: f"127.0.0.1:{running.free_port()}" for name in PORTS}
        self.secrets = self.host.make("secrets")
        for name, file in self.stack.secrets.items():
            (self.secrets / name).write_text(self.here(file.read_text("utf-8")), "utf-8")
            self.stack.secrets[name] = self.secrets / name
        self.https = running.free_port()

    def here(self, text, name=None):
        """A text of the compose file with addresses of this machine; those that
        a service itself listens on, too."""
        for theirs, ours in self.addresses.items():
            text = text.replace(theirs, ours)
            service_name, port = theirs.split(":")
            if service_name == name:
                text = re.sub(rf"(0\.0\.0\.0|127\.0\.0\.1):{port}\b", ours, text)
        # Where the proxy is.
        return text.replace("172.29.81.0/24", "127.0.0.1/32")

    def env(self, name):
        return {key: self.here(value) for key, value in self.stack.env(name).items()}

    def start(self):
        self.start_postgres()
        for name in SERVERS:
            self.start_nats(name)
        for name in SERVERS:
            self.host.until(name, lambda name=name: self.probe(name))
        for name in NODES:
            self.start_node(name)
        for name in NODES:
            self.until_healthy(name)
        self.start_proxy()

    def start_postgres(self):
        programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        folder = self.host.make("postgres", owner="postgres")
        env = self.env("postgres")
        user = env["POSTGRES_USER"]
        # What the image makes of these variables at its first start.
        password = folder / "password"
        shutil.copy(env["POSTGRES_PASSWORD_FILE"], password)
        port = self.addresses["postgres:5432"].split(":")[1]
        as_server = {"user": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        command = [programs / "initdb", "--pgdata=data", f"--username={user}", f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120, **as_server)
        command = [programs / "postgres", "-D", "data", "-p", port, "-h", "127.0.0.1", "-k", folder, "-F"]
        self.host.start("postgres", command, {"LC_ALL": "C.UTF-8"}, folder, user="postgres")
        _, *probe = self.stack.services["postgres"]["healthcheck"]["test"]
        probe = [programs / probe[0], *probe[1:], "--host=127.0.0.1", f"--port={port}"]

        def up():
            return subprocess.run(probe, capture_output=True, timeout=30, check=False).returncode == 0

        self.host.until("postgres", up)
        command = [programs / "createdb", "--host=127.0.0.1", f"--port={port}", f"--username={user}", user]
        env = {"PGPASSWORD": password.read_text("utf-8").strip()}
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)

    def start_nats(self, name):
        # As in the container, so that the file finds its secret.
        root = self.host.make(name)
        (root / "etc/nats").mkdir(parents=True)
        (root / "run").mkdir()
        (root / "run/secrets").symlink_to(self.secrets)
        (root / "data").mkdir()
        text = self.here((self.deploy / "cluster/nats.conf").read_text("utf-8"), name)
        text = text.replace("store_dir: /data", f"store_dir: {root}/data")
        (root / "etc/nats/nats.conf").write_text(text, "utf-8")
        command = [str(root) + part if part.startswith("/") else part for part in self.stack.services[name]["command"]]
        program = shutil.which(command[0]) or f"/usr/sbin/{command[0]}"
        self.host.start(name, [program, *command[1:]], {}, root)

    def probe(self, name):
        """The healthcheck of a NATS server, which is a request."""
        url = self.here(self.stack.services[name]["healthcheck"]["test"][-1], name)
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def node_env(self, name):
        env = self.image | self.env(name)
        # Each has a machine of its own there, and all the same ports.
        return env | {
            "GATEWAY_BIND_ADDR": self.addresses[f"{name}:9000"],
            "APP__METRICS__BIND": self.addresses[f"{name}:9464"],
        }

    def start_node(self, name):
        # Its root file system is read-only.
        self.host.start(name, [self.host.binary], self.node_env(name), "/", user=running.NOBODY)

    def until_healthy(self, name):
        self.host.until(name, lambda: self.host.healthy(self.node_env(name)))

    def grace(self, name):
        return service.seconds(self.stack.services[name]["stop_grace_period"])

    def start_proxy(self):
        folder = self.host.make("proxy")
        # Certificates of an authority of its own, and ports that anybody may open.
        (folder / "Caddyfile").write_text(
            f"{{\nlocal_certs\nskip_install_trust\nadmin off\nhttp_port {running.free_port()}\n"
            f"https_port {self.https}\n}}\nimport {self.deploy}/cluster/Caddyfile\n",
            "utf-8",
        )
        env = self.env("proxy") | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        command = [shutil.which("caddy"), "run", "--config", folder / "Caddyfile"]
        self.host.start("proxy", command, env, folder)
        authority = folder / "caddy/pki/authorities/local/root.crt"
        self.host.until("proxy", authority.exists)
        self.tls = ssl.create_default_context(cafile=authority)
        self.host.until("proxy", lambda: self.answers("/health"))

    def url(self, path):
        return f"https://localhost:{self.https}{path}"

    def answers(self, path):
        try:
            with urllib.request.urlopen(self.url(path), context=self.tls, timeout=10) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False
