"""A TCP proxy that cuts connections after some bytes, as bad networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class FlakyProxy:
    """``url`` leads to the gateway; each connection is cut after ``budget()`` bytes in both directions together."""

    url: str = ""
    cuts: int = 0


@asynccontextmanager
async def flaky_proxy(target: str, budget: Callable[[], int | None]) -> AsyncIterator[FlakyProxy]:
    """A proxy before ``target`` (an http:// address); a budget of None never cuts."""
    host, _, port = target.removeprefix("http://").partition(":")
    proxy = FlakyProxy()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        left = [budget()]

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                if left[0] is not None:
                    data, left[0] = data[: left[0]], left[0] - len(data)
                sink.write(data)
                await sink.drain()
                if left[0] is not None and left[0] <= 0:
                    proxy.cuts += 1
                    return

        pumps = [asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for sink in (writer, back):
            sink.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy
