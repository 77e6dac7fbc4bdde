"""The few messages of Bitcoin's peer-to-peer protocol that a light client needs before it starts.

The Bitcoin Dev Kit's client follows the chain, but it must be told a block to begin at and it does
not say why a peer is of no use.  So we shake hands ourselves once per start: to learn what a peer
offers, and to fetch headers (see :mod:`wallet.chain.light.headers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import struct
import time
from collections.abc import Sequence
from typing import Self

from bitcache.errors import ChainError, NodeRefused, NodeUnreachable, NodeWrongNetwork
from wallet.chain.light.dial import PeerAddress, dial

#: First bytes of every message, by network.
MAGIC = {
    "main": bytes.fromhex("f9beb4d9"),
    "test": bytes.fromhex("0b110907"),
    "testnet4": bytes.fromhex("1c163f28"),
    "signet": bytes.fromhex("0a03cf40"),
    "regtest": bytes.fromhex("fabfb5da"),
}
PROTOCOL = 70016
COMPACT_FILTERS = 1 << 6
HEADER = 80
LONGEST_MESSAGE = 4_000_000


class PeerConnection:
    """A peer that answered.  Made by :meth:`open`; close it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, magic: bytes, timeout: float):
        self._reader, self._writer, self._magic, self._timeout = reader, writer, magic, timeout
        self.services = 0

    @classmethod
    async def open(
        cls, address: PeerAddress, network: str, *, proxy: PeerAddress | None = None, timeout: float = 5.0
    ) -> Self:
        """Connect and shake hands; raises NodeUnreachable, NodeWrongNetwork."""
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await dial(address, proxy)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise _unreachable(f"the peer {address} does not answer") from error
        peer = cls(reader, writer, MAGIC[network], timeout)
        try:
            await peer._shake_hands()
        except ChainError:
            await peer.close()
            raise
        return peer

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    @property
    def has_filters(self) -> bool:
        """Whether it serves compact block filters."""
        return bool(self.services & COMPACT_FILTERS)

    async def headers(self, locator: Sequence[bytes]) -> list[bytes]:
        """Up to 2 000 raw headers after the newest block of ``locator`` that the peer has in its chain."""
        await self._send("getheaders", struct.pack("<IB", PROTOCOL, len(locator)) + b"".join(locator) + bytes(32))
        payload = await self._await("headers")
        count, at = (payload[0], 1) if payload[:1] < b"\xfd" else (struct.unpack_from("<H", payload, 1)[0], 3)
        if len(payload) != at + count * (HEADER + 1):
            raise NodeRefused("the peer sent broken headers")
        return [payload[at + n * (HEADER + 1) :][:HEADER] for n in range(count)]

    async def _shake_hands(self) -> None:
        address = bytes(26)
        body = struct.pack("<iQq", PROTOCOL, 0, int(time.time())) + address * 2 + secrets.token_bytes(8)
        await self._send("version", body + b"\x00" + struct.pack("<i?", 0, False))
        version = await self._await("version")
        if len(version) < 12:
            raise NodeRefused("the peer's greeting is broken")
        self.services = struct.unpack_from("<Q", version, 4)[0]
        await self._send("verack", b"")
        await self._await("verack")

    async def _send(self, command: str, payload: bytes) -> None:
        head = struct.pack("<4s12sI4s", self._magic, command.encode(), len(payload), _checksum(payload))
        try:
            self._writer.write(head + payload)
            async with asyncio.timeout(self._timeout):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise _unreachable("the peer hung up") from error

    async def _await(self, wanted: str) -> bytes:
        """The next message of this kind; answers pings, skips the rest."""
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    command, payload = await self._receive()
                    if command == wanted:
                        return payload
                    if command == "ping":
                        await self._send("pong", payload)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise _unreachable(f"the peer hung up, or sent no {wanted}") from error

    async def _receive(self) -> tuple[str, bytes]:
        magic, name, length, checksum = struct.unpack("<4s12sI4s", await self._reader.readexactly(24))
        if magic != self._magic:
            raise NodeWrongNetwork("the peer does not speak this network's protocol", hint=_WRONG)
        if length > LONGEST_MESSAGE:
            raise NodeRefused("the peer sent too much at once")
        payload = await self._reader.readexactly(length)
        if _checksum(payload) != checksum:
            raise NodeRefused("the peer's message was damaged")
        return name.rstrip(b"\0").decode("ascii", "replace"), payload


async def network_of(address: PeerAddress, proxy: PeerAddress | None, timeout: float) -> str | None:
    """Which network a peer follows, found by trying them all."""

    async def answers(network: str) -> str | None:
        try:
            await (await PeerConnection.open(address, network, proxy=proxy, timeout=timeout)).close()
        except ChainError:
            return None
        return network

    found = await asyncio.gather(*map(answers, MAGIC))
    return next(filter(None, found), None)


_WRONG = "Give peers of the gateway's own network, or correct bitcoin.network."


def _unreachable(message: str) -> NodeUnreachable:
    return NodeUnreachable(message, hint="Check the internet connection and chain.light_peers.")


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
