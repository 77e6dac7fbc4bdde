"""One Nostr relay (NIP-01): connected while it is used, and again when the connection is lost.

A relay may refuse, flood or repeat: what it sends is bounded here and checked by whoever listens.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from bitcache.chain_errors import WalletUnreachable
from wallet.lightning import public_hosts

CONNECT_SECONDS = 10.0
PING_SECONDS = 25.0
LARGEST_MESSAGE = 256 * 1024
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)


class Relay:
    """``filters`` are asked for whenever the connection is made; ``on_event`` gets each event as it was sent."""

    def __init__(
        self,
        url: str,
        filters: Callable[[], list[dict[str, Any]]],
        on_event: Callable[[Any], None],
        *,
        private: bool = False,
    ) -> None:
        """``private``: the relay may be on this machine or beside it."""
        self._url, self._filters, self._on_event, self._private = url, filters, on_event, private
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._connected = asyncio.Event()
        self._accepted: dict[str, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def publish(self, event: dict[str, Any]) -> None:
        """Send an event and wait, perhaps for ever, until the relay took it; raise WalletUnreachable if it refuses."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected())
        await self._connected.wait()
        accepted = self._accepted[event["id"]] = asyncio.get_running_loop().create_future()
        try:
            if self._socket is None:
                raise WalletUnreachable("the relay hung up")
            await self._socket.send_json(["EVENT", event])
            await accepted
        except (ConnectionError, aiohttp.ClientError):
            raise WalletUnreachable("the relay hung up") from None
        finally:
            self._accepted.pop(event["id"], None)

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError, ValueError):
                connector = public_hosts.connector(private=self._private)
                async with aiohttp.ClientSession(connector=connector) as http, self._connect(http) as socket:
                    failures = 0
                    await self._use(socket)
            self._socket = None
            self._connected.clear()
            for accepted in self._accepted.values():
                if not accepted.done():
                    accepted.set_exception(WalletUnreachable("the relay hung up"))
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
            failures += 1

    def _connect(self, http: aiohttp.ClientSession) -> Any:
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        return http.ws_connect(
            self._url, heartbeat=PING_SECONDS, max_msg_size=LARGEST_MESSAGE, timeout=timeout, autoclose=True
        )

    async def _use(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for number, each in enumerate(self._filters()):
            await socket.send_json(["REQ", f"bitcache-{number}", each])
        self._socket = socket
        self._connected.set()
        async for message in socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                self._read(message.data)

    def _read(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        match message:
            case ["OK", str(event_id), bool(accepted), *reason]:
                self._answered(event_id, accepted, str(reason[0])[:100] if reason else "")
            case ["EVENT", _, event]:
                self._on_event(event)

    def _answered(self, event_id: str, accepted: bool, reason: str) -> None:
        waiting = self._accepted.get(event_id)
        if waiting is None or waiting.done():
            return
        if accepted:
            waiting.set_result(None)
        else:
            waiting.set_exception(WalletUnreachable(f"the relay refused: {reason}"))
