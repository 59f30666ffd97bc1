"""What schemathesis is told at its start: how to sign in, and where rooms,
members and tokens are to be had.

Half of what it makes up about things that exist would be about nothing, so
requests that fit the document are about something that is there, every other
time. Sessions and rooms that a test may end are of their own.
"""

import base64
import hmac
import itertools
import os
import struct
import time

import requests
import schemathesis

URL = os.environ["SERVICE_URL"]
PASSWORD = "plum-tractor-91-violin"
# What ends the sessions of whoever asks, or changes how they sign in.
ENDING = {"logout", "changePassword", "endSession", "addTotp", "confirmTotp", "removeTotp"}
# What takes a code of an authenticator app.
SHOWING_CODES = {"confirmTotp", "removeTotp"}
# Seconds for which a code of an authenticator app is shown.
STEP = 30

numbers = itertools.count(1)


def code(secret, seconds):
    """What an authenticator app shows at that time (RFC 6238)."""
    counter = struct.pack(">Q", int(seconds) // STEP)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


class Person:
    """Somebody who is signed in."""

    def __init__(self, name):
        self.session = requests.Session()
        self.credentials = {"username": name, "password": PASSWORD}
        self.post("/auth/register", self.credentials)
        tokens = self.post("/auth/login", self.credentials)
        self.token = tokens["access_token"]
        self.refresh_token = tokens["refresh_token"]
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def post(self, path, body):
        answer = self.session.post(URL + path, json=body, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def add_authenticator(self, confirmed):
        secret = self.post("/auth/totp", {"current_password": PASSWORD})["secret"]
        now = time.time()
        if confirmed:
            # Each is right once: the one before is, too, and leaves this one.
            self.post("/auth/totp/confirm", {"code": code(secret, now - STEP)})
        self.code = code(secret, now)

    def room(self):
        room = {"title": "Property tests", "presence": True}
        return self.post("/rooms", room)["room"]


class People:
    """Who is there, made when they are first wanted."""

    def __init__(self):
        self.stays = Person("stays")
        self.member = Person("member")
        self.room = self.stays.room()
        self.leaving = None

    def for_operation(self, operation):
        if operation not in ENDING:
            return self.stays
        self.leaving = Person(f"leaves{next(numbers)}")
        if operation in SHOWING_CODES:
            self.leaving.add_authenticator(confirmed=operation == "removeTotp")
        return self.leaving


people = People() if os.environ.get("SIGNED_IN") else None


@schemathesis.hook
def after_call(context, case, response):
    """Notes what was answered, for `properties.py`."""
    operation = case.operation.definition.raw["operationId"]
    with open(os.environ["ANSWERS"], "a", encoding="utf-8") as answers:
        print(operation, response.status_code, file=answers)


if people:

    @schemathesis.auth(refresh_interval=None)
    class Session:
        """The access token of a request."""

        def get(self, case, context):
            operation = context.operation.definition.raw["operationId"]
            return people.for_operation(operation).token

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"

    @schemathesis.hook
    def before_call(context, case, kwargs):
        meta = case.meta
        if not meta or not meta.generation.mode.is_positive:
            return
        if meta.phase.name.value == "stateful" or next(numbers) % 2:
            return
        operation = case.operation.definition.raw["operationId"]
        path = case.path_parameters or {}
        if "room" in path:
            path["room"] = people.stays.room() if operation == "deleteRoom" else people.room
        if "username" in path:
            path["username"] = "member"
        if "sid" in path:
            sessions = requests.get(
                f"{URL}/auth/sessions",
                headers={"Authorization": f"Bearer {people.leaving.token}"},
                timeout=20,
            )
            path["sid"] = sessions.json()["sessions"][0]["id"]
        if operation in ("changePassword", "addTotp", "removeTotp"):
            case.body["current_password"] = PASSWORD
        if operation in SHOWING_CODES:
            case.body["code"] = people.leaving.code
        if operation == "refresh":
            case.body["refresh_token"] = Person(f"returns{next(numbers)}").refresh_token
        if operation == "login":
            case.body.update(people.stays.credentials)
