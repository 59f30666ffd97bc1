"""Somebody who is signed in, behind the proxy, speaks and listens."""

import json
import threading
import urllib.request

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

PASSWORD = "plum-tractor-91-violin"


class Person:
    def __init__(self, cluster, name):
        self.cluster = cluster
        account = {"username": name, "password": PASSWORD}
        self.ask("/auth/register", account)
        self.token = self.ask("/auth/login", account)["access_token"]

    def ask(self, path, body, **headers):
        """The answer to a request; one that is refused or lost is an error."""
        headers = {"content-type": "application/json", **headers}
        if hasattr(self, "token"):
            headers["authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.cluster.url(path), data, headers)
        with urllib.request.urlopen(request, context=self.cluster.tls, timeout=30) as answer:
            return json.load(answer)


class Listener:
    """A socket that comes back whenever it is told to, from where it was."""

    def __init__(self, cluster, token):
        self.cluster, self.token = cluster, token
        self.heard, self.codes, self.problem = [], [], None
        self.position, self.over = None, threading.Event()
        self.seated = threading.Event()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        try:
            while not self.over.is_set():
                self.once()
        except Exception as problem:  # It is raised where it is waited for.
            self.problem = problem

    def once(self):
        since = f"?since={self.position}" if self.position else ""
        url = self.cluster.url(f"/ws{since}").replace("https:", "wss:")
        offered = ["rooms.v1", "bearer", self.token]
        try:
            with connect(url, ssl=self.cluster.tls, subprotocols=offered, origin="https://localhost") as socket:
                while not self.over.is_set():
                    try:
                        self.take(json.loads(socket.recv(timeout=0.2)))
                    except TimeoutError:
                        continue
        except ConnectionClosed as closed:
            self.codes.append(closed.rcvd.code if closed.rcvd else None)
        except InvalidStatus as refused:
            raise AssertionError(f"{refused.response.status_code}") from refused

    def take(self, event):
        if event["type"] == "welcome":
            if self.position and not event["seat"]["recovered"]:
                raise AssertionError("something was missed")
            self.position = self.position or event["seat"]["position"]
            self.seated.set()
        elif event["type"] == "message":
            self.heard.append(event["data"])
            self.position = f"{self.position.split(':')[0]}:{event['seq']}"
        elif event["type"] not in ("presence", "expiring"):
            raise AssertionError(event)

    def end(self):
        self.over.set()
        self.thread.join()
        if self.problem:
            raise self.problem
