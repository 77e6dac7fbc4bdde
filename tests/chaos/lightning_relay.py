"""A Nostr relay as a process of its own, which can be killed: it hands on what it gets, and keeps nothing.

    python tests/chaos/lightning_relay.py PORT

Like most relays it stores no request, answer or notification of NIP-47.  It passes on by kind and recipient, and not by
time: the gateway's clock is set wrong on purpose.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import Any

from aiohttp import WSMsgType, web

Filters = dict[str, list[dict[str, Any]]]


class Relay:
    """Who is connected, and what they asked for."""

    def __init__(self) -> None:
        self._asked: dict[web.WebSocketResponse, Filters] = {}

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        filters = self._asked[socket] = {}
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    kind, *rest = json.loads(message.data)
                    if kind == "REQ":
                        filters[rest[0]] = rest[1:]
                    elif kind == "EVENT":
                        await self._hand_on(socket, rest[0])
        finally:
            del self._asked[socket]
        return socket

    async def _hand_on(self, sender: web.WebSocketResponse, event: dict[str, Any]) -> None:
        await sender.send_json(["OK", event["id"], True, ""])
        for socket, filters in list(self._asked.items()):
            for name, wanted in list(filters.items()):
                if any(_fits(event, each) for each in wanted) and not socket.closed:
                    await socket.send_json(["EVENT", name, event])


def _fits(event: dict[str, Any], wanted: dict[str, Any]) -> bool:
    to = {tag[1] for tag in event["tags"] if tag[0] == "p"}
    return (
        event["kind"] in wanted["kinds"]
        and ("#p" not in wanted or bool(to & set(wanted["#p"])))
        and ("authors" not in wanted or event["pubkey"] in wanted["authors"])
    )


def end_with_parent() -> None:
    """End when standard input does: nobody is left to kill this process."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


async def main(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_get("/", Relay().serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    end_with_parent()
    asyncio.run(main(int(sys.argv[1])))
