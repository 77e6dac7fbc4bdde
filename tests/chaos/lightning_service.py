"""A Lightning wallet reached by Nostr Wallet Connect, as a process of its own, which can be killed.

    python tests/chaos/lightning_service.py FILE CLOCK_FILE RELAY WALLET_SECRET CLIENT_SECRET

``FILE`` keeps the invoices (``wallet.lightning.simulated_lightning``) and beside them what only a wallet that misleads
needs: see :data:`TABLES`.  The harness pays invoices in that file, as the network pays a wallet's node whether or not
the node's Nostr service runs.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
from coincurve import PrivateKey

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bitcache.money import Sat  # noqa: E402
from chaos.gateway_process import clock_of  # noqa: E402
from chaos.lightning_relay import end_with_parent  # noqa: E402
from wallet.lightning.bolt11_invoice import decode  # noqa: E402
from wallet.lightning.nwc.message_cipher import MessageCipher  # noqa: E402
from wallet.lightning.nwc.nostr_event import signed  # noqa: E402
from wallet.lightning.simulated_lightning import SimulatedLightning  # noqa: E402

REQUEST, RESPONSE, NOTIFICATION = 23194, 23195, 23197
#: What was made, for how much; what is to be notified, and how; and what is reported as failed.
TABLES = """
CREATE TABLE IF NOT EXISTS made (hash BLOB PRIMARY KEY, msat INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS say (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, how TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failed (hash BLOB PRIMARY KEY);
"""
#: Notifications that are sent again when it is told to.
REMEMBERED = 5


class Service:
    """Answers over one relay; ``say`` in the file is what it notifies."""

    def __init__(self, file: Path, clock_file: Path, relay: str, secret: str, client_secret: str) -> None:
        self._clock = clock_of(clock_file)
        self._wallet = SimulatedLightning("regtest", file, self._clock)
        self._relay, self._file = relay, file
        self._key, self._client = PrivateKey(bytes.fromhex(secret)), PrivateKey(bytes.fromhex(client_secret))
        self._cipher = MessageCipher(self._key.secret, _x_only(self._client))
        self._sent: list[dict[str, Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._db = sqlite3.connect(file, timeout=10, isolation_level=None)
        self._db.executescript(TABLES)
        self._db.execute("DELETE FROM say")  # what it did not say before it was killed is never said

    async def run(self) -> None:
        """Connect, again and again."""
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with aiohttp.ClientSession() as http, http.ws_connect(self._relay) as socket:
                    await self._use(socket)
            await asyncio.sleep(0.1)

    async def _use(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_json(["REQ", "requests", {"kinds": [REQUEST], "#p": [_x_only(self._key).hex()]}])
        telling = asyncio.create_task(self._notify_for_ever(socket))
        try:
            async for message in socket:
                match json.loads(message.data):
                    case ["EVENT", _, event]:
                        task = asyncio.create_task(self._answer(socket, event))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
        finally:
            telling.cancel()

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, event: dict[str, Any]) -> None:
        asked = json.loads(self._cipher.decrypt(event["content"]))
        answer = json.dumps(await self._result(asked["method"], asked["params"]))
        await self._send(socket, self._key, RESPONSE, [["e", event["id"]]], answer)

    async def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "get_info":
            return {"result": {"alias": "chaos", "methods": ["make_invoice", "lookup_invoice"]}}
        if method == "make_invoice":
            made = await self._wallet.make_invoice(
                Sat(params["amount"] // 1000), expiry_seconds=params["expiry"], description=params["description"]
            )
            self._db.execute("INSERT INTO made VALUES (?, ?)", (decode(made.text).payment_hash, params["amount"]))
            return {"result": {"invoice": made.text}}
        return self._looked_up(bytes.fromhex(params["payment_hash"]))

    def _looked_up(self, payment_hash: bytes) -> dict[str, Any]:
        row = self._db.execute("SELECT paid_at FROM invoice WHERE hash = ?", (payment_hash,)).fetchone()
        if row is None:
            return {"error": {"code": "NOT_FOUND", "message": ""}}
        if self._db.execute("SELECT 1 FROM failed WHERE hash = ?", (payment_hash,)).fetchone():
            return {"result": {"state": "failed"}}
        return {"result": {"state": "settled", "settled_at": row[0]} if row[0] else {"state": "pending"}}

    async def _notify_for_ever(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            with suppress(sqlite3.Error):
                for number, payment_hash, how in self._db.execute("SELECT * FROM say ORDER BY id").fetchall():
                    self._db.execute("DELETE FROM say WHERE id = ?", (number,))
                    await self._notify(socket, payment_hash, how)
            await asyncio.sleep(0.03)

    async def _notify(self, socket: aiohttp.ClientWebSocketResponse, payment_hash: bytes, how: str) -> None:
        """``how``: "once", "twice", "forged" by a stranger's key, or "replay": what was said before, too."""
        body = {"notification_type": "payment_received", "notification": {"payment_hash": payment_hash.hex()}}
        key = PrivateKey() if how == "forged" else self._key
        event = await self._send(socket, key, NOTIFICATION, [], json.dumps(body))
        again = [event] if how == "twice" else self._sent if how == "replay" else []
        for before in again:
            await socket.send_json(["EVENT", before])
        self._sent = [*self._sent, event][-REMEMBERED:]

    async def _send(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        key: PrivateKey,
        kind: int,
        tags: list[list[str]],
        text: str,
    ) -> dict[str, Any]:
        to = [["p", _x_only(self._client).hex()], *tags]
        event = signed(key, kind, to, self._cipher.encrypt(text), self._clock())
        with suppress(ConnectionError):
            await socket.send_json(["EVENT", event])
        return event


def _x_only(key: PrivateKey) -> bytes:
    return key.public_key.format()[1:]


def make_tables(file: Path) -> None:
    """The tables, before anybody asks for them."""
    with closing(sqlite3.connect(file, timeout=10)) as db:
        db.executescript(TABLES)


if __name__ == "__main__":
    end_with_parent()
    file, clock_file, *rest = sys.argv[1:]
    asyncio.run(Service(Path(file), Path(clock_file), *rest).run())
