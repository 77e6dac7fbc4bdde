"""A peer on loopback that serves whatever chain it is given: headers, filter headers, filters (BIP157) and blocks.

Honest by default; a test makes it lie by giving it another chain, or by replacing how it answers a command.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from support.peer_chain import PeerChain, count, double_sha256

from wallet.chain.light.peer_connection import MAGIC

Message = tuple[str, bytes]  #: command, payload
Answers = Callable[[bytes], list[Message]]

FILTERS, NETWORK, WITNESS = 1 << 6, 1, 1 << 3


class PeerServer:
    """One peer.  ``chain`` may be swapped at any time; ``answers`` replaces what it says to a command."""

    def __init__(self, network: str, chain: PeerChain, services: int = FILTERS | NETWORK | WITNESS) -> None:
        self.chain, self.services = chain, services
        self.answers: dict[str, Answers] = {}
        self.asked: Counter[str] = Counter()
        self.connections = 0
        self.headers_at_once = 2_000
        self._magic = MAGIC[network]
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        assert self._server
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, host, port)

    async def stop(self) -> None:
        """Hang up on everybody, and listen no longer."""
        assert self._server
        self._server.close()
        self.hang_up_on_all()
        await asyncio.sleep(0)

    def hang_up_on_all(self) -> None:
        """Close every connection that there is."""
        for writer in list(self._writers):
            writer.close()

    def announce(self, chain: PeerChain | None = None) -> None:
        """Show ``chain``, and send its newest headers unasked, one a message."""
        before, self.chain = self.chain, chain or self.chain
        known = {block.digest for block in before.blocks} if chain else set()
        fresh = [block.header for block in self.chain.blocks if block.digest not in known] or [
            self.chain.blocks[-1].header
        ]
        for header in fresh:
            self.send(("headers", b"\x01" + header + b"\0"))

    def send(self, message: Message) -> None:
        """To everybody, unasked."""
        for writer in self._writers:
            writer.write(self._framed(*message))

    def send_raw(self, raw: bytes) -> None:
        """Any bytes to everybody."""
        for writer in self._writers:
            writer.write(raw)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                _, name, length, _ = struct.unpack("<4s12sI4s", await reader.readexactly(24))
                command, payload = name.rstrip(b"\0").decode(), await reader.readexactly(length)
                self.asked[command] += 1
                answer = self.answers.get(command) or getattr(self, f"answer_{command}", None)
                if command == "verack":
                    self._writers.add(writer)
                if answer is None:
                    continue
                messages = answer(payload)
                if messages is HANG_UP:
                    break
                for message in messages:
                    writer.write(self._framed(*message))
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _framed(self, command: str, payload: bytes) -> bytes:
        return (
            struct.pack("<4s12sI4s", self._magic, command.encode(), len(payload), double_sha256(payload)[:4]) + payload
        )

    # What it answers

    def answer_version(self, _: bytes) -> list[Message]:
        version = struct.pack("<iQq", 70016, self.services, int(time.time())) + bytes(60)
        return [("version", version + b"\0" + struct.pack("<i?", self.chain.height, False)), ("verack", b"")]

    def answer_ping(self, payload: bytes) -> list[Message]:
        return [("pong", payload)]

    def answer_getheaders(self, payload: bytes) -> list[Message]:
        locator = {payload[at : at + 32] for at in range(5, 5 + 32 * payload[4], 32)}
        places = [place for place, block in enumerate(self.chain.blocks) if block.digest in locator]
        first = places[-1] + 1 if places else 0
        return [("headers", headers_message(self.chain, first, self.headers_at_once))]

    def answer_getcfheaders(self, payload: bytes) -> list[Message]:
        first, stop = struct.unpack("<I", payload[1:5])[0], self.chain.find(payload[5:37])
        if stop is None:
            return HANG_UP  # as Bitcoin Core does
        hashes = [double_sha256(self.chain.at(height).filter) for height in range(first, stop.height + 1)]
        before = self.chain.fork(first - 1).filter_header
        return [("cfheaders", b"\0" + stop.digest + before + count(len(hashes)) + b"".join(hashes))]

    def answer_getcfilters(self, payload: bytes) -> list[Message]:
        first, stop = struct.unpack("<I", payload[1:5])[0], self.chain.find(payload[5:37])
        if stop is None:
            return HANG_UP
        blocks = [self.chain.at(height) for height in range(first, stop.height + 1)]
        return [("cfilter", b"\0" + block.digest + count(len(block.filter)) + block.filter) for block in blocks]

    def answer_getdata(self, payload: bytes) -> list[Message]:
        block = self.chain.find(payload[5:37])
        return [("block", block.raw)] if block else [("notfound", payload)]


#: What an answer is that hangs up instead.
HANG_UP: list[Message] = [("hang up", b"")]


def headers_message(chain: PeerChain, first: int, most: int = 2_000) -> bytes:
    """A ``headers`` payload of a chain's blocks from place ``first`` on."""
    blocks = chain.blocks[first : first + most]
    return count(len(blocks)) + b"".join(block.header + b"\0" for block in blocks)


@asynccontextmanager
async def serving(
    network: str, *chains: PeerChain, kind: type[PeerServer] = PeerServer, **options: Any
) -> AsyncIterator[list[PeerServer]]:
    """A peer for each chain."""
    peers = [kind(network, chain, **options) for chain in chains]
    for peer in peers:
        await peer.start()
    try:
        yield peers
    finally:
        for peer in peers:
            await peer.stop()
