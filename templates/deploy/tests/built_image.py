"""The image's binary, built by the Dockerfile's own command and run in a root
that holds what the image holds: no shell, no libc, nobody to be but 65532."""

import http.server
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import threading
import unittest

import judged
import rendering
import running
import service

PROJECT = rendering.FOLDER.parent.parent
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
# Seconds; a cold build on two cores takes minutes.
BUILD = 3600


def package():
    text = (PROJECT / "Cargo.toml").read_text("utf-8")
    return re.search(r'^name = "(.*)"', text, flags=re.M)[1]


class BuiltImage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        dockerfile = (rendering.FOLDER / "image/Dockerfile").read_text("utf-8")
        build = re.search(r"cargo build [^&\\]*", dockerfile)[0]
        target = re.search(r'--target "([^"]*)"', build)[1]
        subprocess.run(f"rustup target add {target}", shell=True, check=True, timeout=BUILD)
        subprocess.run(build, shell=True, cwd=PROJECT, check=True, timeout=BUILD)
        (cls.binary,) = PROJECT.glob(f"target/*-musl/release/{package()}")
        print(f"the binary has {cls.binary.stat().st_size / 2**20:.1f} MiB", flush=True)

    def root(self, host, certificates):
        """The image's root, with the files that every runtime adds."""
        root = host.make("root")
        shutil.copy(self.binary, root / rendering.NAME)
        file = root / CERTIFICATES
        file.parent.mkdir(parents=True)
        shutil.copy(certificates, file)
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n", "utf-8")
        host.make("root/data", owner=running.NOBODY)
        return root

    def inside(self, root, *arguments):
        if os.geteuid() == 0:
            entering = ["chroot", f"--userspec={running.NOBODY}:{running.NOBODY}", root]
        else:
            entering = ["unshare", "--map-root-user", "chroot", root]
        return [*entering, f"/{rendering.NAME}", *arguments]

    def env(self, host, **more):
        project = rendering.render("docker", "sqlite", "memory", host.folder / "project")
        env = judged.image_env(project) | {
            "PATH": os.environ["PATH"],
            "GATEWAY_BIND_ADDR": f"127.0.0.1:{running.free_port()}",
            "APP__HTTP__TRUSTED_PROXIES": "[]",
        }
        return env | more

    def healthcheck(self, root, env, *arguments):
        command = self.inside(root, "healthcheck", *arguments)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)

    def test_it_serves_and_is_asked_by_itself(self):
        host = running.Host(self)
        root = self.root(host, f"/{CERTIFICATES}")
        env = self.env(host, JWT_SECRET=service.SECRETS["JWT_SECRET"])
        asked = self.healthcheck(root, env)
        self.assertEqual((asked.returncode, asked.stdout), (1, ""))
        self.assertIn("Connection refused", asked.stderr)
        host.start("node", self.inside(root), env, "/")
        host.until("node", lambda: self.healthcheck(root, env).returncode == 0)
        asked = self.healthcheck(root, env, "--live")
        self.assertEqual((asked.returncode, asked.stdout, asked.stderr), (0, "ok\n", ""))
        written = {file.name for file in root.rglob("*") if file.is_file()}
        self.assertLessEqual(written, {rendering.NAME, "hosts", pathlib.Path(CERTIFICATES).name} | {
            f"accounts.db{suffix}" for suffix in ("", "-wal", "-shm")
        })
        self.assertEqual(host.stop("node", 30), 0, host.said("node"))

    def test_it_finds_the_certificates(self):
        host = running.Host(self)
        folder = host.make("authority")
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        command += " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        command += " -addext basicConstraints=critical,CA:FALSE -keyout key -out cert"
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=60)

        class Keys(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": []}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                asked.set()

            def log_message(self, *_):
                pass

        asked = threading.Event()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / "cert", folder / "key")
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        root = self.root(host, folder / "cert")
        url = f"https://localhost:{server.server_address[1]}/jwks.json"
        # A gateway alone asks for keys at its start.
        env = self.env(host, APP__ROLES="gateway", APP__TOKENS__JWKS_URL=url, APP_PROFILE="development")
        env.pop("APP__STORE__PATH")
        host.start("node", self.inside(root), env, "/")
        self.assertTrue(asked.wait(running.START), host.said("node"))


class BuiltManifests(judged.Target):
    target = "kubernetes"

    def test_kustomize_builds_what_is_valid(self):
        for *_, project, folder in self.each():
            built = self.judge(os.environ["KUSTOMIZE"], "build", project / "deploy").stdout
            file = folder / "built.yaml"
            file.write_text(built, "utf-8")
            self.judge(judged.TOOLS / "kubernetes-validate", "--strict", file)
            kinds = {document["kind"]: document for document in judged.documents(file)}
            name = kinds["ConfigMap"]["metadata"]["name"]
            (container,) = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
            self.assertEqual(container["envFrom"], [{"configMapRef": {"name": name}}])
            self.assertEqual(container["image"], f"registry.example.com/{rendering.NAME}:latest")


if __name__ == "__main__":
    unittest.main()
