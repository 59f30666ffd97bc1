"""One story with the generated client: from a new account to its last socket."""

import asyncio
import os
from typing import TypeVar

from service_client import AuthenticatedClient, Client
from service_client.api.auth import login, logout, me, refresh, register
from service_client.api.rooms import create_room, history, publish, room_token
from service_client.api.sessions import list_sessions
from service_client.models import (
    AccountResponse,
    Credentials,
    Grant,
    HistoryResponse,
    MeResponse,
    NewMessage,
    NewRoom,
    Problem,
    RefreshRequest,
    Role,
    RoomResponse,
    RoomTokenResponse,
    SaidResponse,
    SessionsResponse,
    TokenResponse,
)
from service_client.types import Response
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

SERVICE = os.environ["SERVICE"]
# Seconds that anything on the socket may take.
PATIENCE = 10

T = TypeVar("T")


def expect(promised: object, found: object) -> None:
    """What was found is what was promised."""
    if promised != found:
        raise AssertionError(f"{promised!r} is promised, and not {found!r}")


def good(kind: type[T], answer: object) -> T:
    """The answer, which is of that type and no problem."""
    if not isinstance(answer, kind):
        raise AssertionError(f"{kind.__name__} is promised, and not {answer!r}")
    return answer


def bad(answer: Response[T], status: int, type_: str) -> None:
    """The answer is a problem of that type."""
    problem = good(Problem, answer.parsed)
    expect((status, f"urn:problem-type:{type_}"), (problem.status, problem.type_))
    expect((status, "application/problem+json"), (answer.status_code, answer.headers["content-type"]))


async def heard(socket: ClientConnection, what: str) -> None:
    """The next message on the socket is that one."""
    async with asyncio.timeout(PATIENCE):
        expect(what, await socket.recv())


async def story() -> None:
    """Tells it."""
    ann = Credentials(username="ann", password="correct horse battery staple")
    async with Client(SERVICE, raise_on_unexpected_status=True) as client:
        # An account.
        account = good(AccountResponse, await register.asyncio(client=client, body=ann))
        expect("ann", account.username)
        bad(await register.asyncio_detailed(client=client, body=ann), 409, "name-taken")
        wrong = Credentials(username="ann", password="wrong")
        bad(await login.asyncio_detailed(client=client, body=wrong), 401, "invalid-credentials")

        # A session.
        first = good(TokenResponse, await login.asyncio(client=client, body=ann))
        expect("Bearer", first.token_type)
        asked = RefreshRequest(refresh_token=first.refresh_token)
        tokens = good(TokenResponse, await refresh.asyncio(client=client, body=asked))
        expect(True, tokens.refresh_token != first.refresh_token)

    async with AuthenticatedClient(SERVICE, tokens.access_token, raise_on_unexpected_status=True) as own:
        myself = good(MeResponse, await me.asyncio(client=own))
        expect((account.id, "ann"), (myself.id, myself.username))
        sessions = good(SessionsResponse, await list_sessions.asyncio(client=own)).sessions
        expect([(myself.session, True)], [(session.id, session.current) for session in sessions])

        # A room, and a socket in it.
        made = good(RoomResponse, await create_room.asyncio(client=own, body=NewRoom(title="Tea at five")))
        expect(Role.OWNER, made.role)
        key = good(RoomTokenResponse, await room_token.asyncio(made.room, client=own))
        expect((made.room, Grant.RW), (key.room, key.grant))
        address = SERVICE.replace("http", "ws", 1) + "/ws"
        async with connect(address, subprotocols=[Subprotocol("bearer"), Subprotocol(key.access_token)]) as socket:
            expect("bearer", socket.subprotocol)
            await socket.send("hello")
            await heard(socket, "hello")

            # Said over HTTP, twice with one key, heard once.
            cake = NewMessage(data={"who": "brings cake?"})
            said = [
                good(SaidResponse, await publish.asyncio(made.room, client=own, body=cake, idempotency_key="cake"))
                for _ in range(2)
            ]
            expect(said[0], said[1])
            await heard(socket, '{"who":"brings cake?"}')
            await socket.send("bye")
            await heard(socket, "bye")
            past = good(HistoryResponse, await history.asyncio(made.room, client=own))
            expect(["hello", cake.data, "bye"], [message.data for message in past.messages])
            expect({account.id}, {message.from_ for message in past.messages})
            position = good(str, said[0].position)
            after = good(HistoryResponse, await history.asyncio(made.room, client=own, since=position, limit=10))
            expect((True, ["bye"]), (after.recovered, [message.data for message in after.messages]))

            # The end of it all.
            expect(204, (await logout.asyncio_detailed(client=own)).status_code)
            try:
                async with asyncio.timeout(PATIENCE):
                    raise AssertionError(f"nothing is said any more, and not {await socket.recv()!r}")
            except ConnectionClosed as closed:
                expect(4503, closed.rcvd and closed.rcvd.code)
        bad(await me.asyncio_detailed(client=own), 401, "invalid-token")


if __name__ == "__main__":
    asyncio.run(story())
