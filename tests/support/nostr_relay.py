"""A Nostr relay and wallet services in this process, for answers that no honest wallet gives.  They are ours: the same
client is held to real wallets and a real relay in tests/wallet/test_nwc_electrum.py.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from coincurve import PrivateKey
from support.loopback import on_loopback

from wallet.lightning.nwc.connection_string import ConnectionString
from wallet.lightning.nwc.message_cipher import NIP04, MessageCipher
from wallet.lightning.nwc.nostr_event import signed

REQUEST, RESPONSE, NOTIFICATION = 23194, 23195, 23196


@dataclass
class Relay:
    """Sends every event to everybody who has subscribed; ``refusal`` is what it answers to publishers, if anything."""

    url: str = ""
    refusal: str | None = None
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    listeners: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    published: int = 0

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            kind, *rest = json.loads(message.data)
            if kind == "EVENT":
                self.published += 1
                await socket.send_json(["OK", rest[0]["id"], self.refusal is None, self.refusal or ""])
                if self.refusal is None:
                    for listener in self.listeners:
                        listener(rest[0])
        self.sockets.discard(socket)
        return socket

    async def send(self, event: Any) -> None:
        """Send an event to everybody."""
        for socket in list(self.sockets):
            await socket.send_json(["EVENT", "bitcache-1", event])

    async def hang_up(self) -> None:
        """Close every connection."""
        for socket in list(self.sockets):
            await socket.close()


@dataclass
class WalletService:
    """A NIP-47 wallet whose answers a test chooses by method: each a result, an error, or what makes one."""

    relay: Relay
    key: PrivateKey = field(default_factory=PrivateKey)
    client: PrivateKey = field(default_factory=PrivateKey)
    speaks_only: str | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.relay.listeners.append(self._on_event)

    @property
    def connection(self) -> ConnectionString:
        """What a seller would paste, parsed."""
        return ConnectionString(x_only(self.key), (self.relay.url,), self.client.secret)

    def _on_event(self, event: dict[str, Any]) -> None:
        cipher = MessageCipher(self.key.secret, x_only(self.client))
        is_nip04 = "?iv=" in event["content"]
        if self.speaks_only == NIP04 and not is_nip04:
            return
        cipher.scheme = NIP04 if is_nip04 else cipher.scheme
        body = json.loads(cipher.decrypt(event["content"]))
        self.asked.append((body["method"], body["params"]))
        answer = self.answers.get(body["method"])
        if callable(answer):
            answer = answer(body["params"])
        if answer is not None:
            self.later(self.answer(event["id"], cipher.encrypt(json.dumps(answer))))

    async def answer(self, request_id: str, content: str, key: PrivateKey | None = None) -> None:
        """Answer a request, in the name of ``key``."""
        tags = [["p", x_only(self.client).hex()], ["e", request_id]]
        await self.relay.send(signed(key or self.key, RESPONSE, tags, content, int(time.time())))

    async def notify(self, payment_hash: bytes, key: PrivateKey | None = None, age: int = 0) -> None:
        """Say that something was paid, in the name of ``key``, ``age`` seconds ago."""
        cipher = MessageCipher(self.key.secret, x_only(self.client))
        cipher.scheme = NIP04
        body = {"notification_type": "payment_received", "notification": {"payment_hash": payment_hash.hex()}}
        tags = [["p", x_only(self.client).hex()]]
        content = cipher.encrypt(json.dumps(body))
        await self.relay.send(signed(key or self.key, NOTIFICATION, tags, content, int(time.time()) - age))

    def later(self, work: Any) -> None:
        """Do it beside what goes on."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def x_only(key: PrivateKey) -> bytes:
    """Return a key's x-only public key (BIP340)."""
    return key.public_key.format()[1:]


@asynccontextmanager
async def relay_server() -> AsyncIterator[Relay]:
    """A relay on a free port."""
    relay = Relay()
    async with on_loopback([web.get("/", relay.serve)]) as host:
        relay.url = f"ws://{host}/"
        yield relay
