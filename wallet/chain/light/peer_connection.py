"""A connection to one peer: the few messages of Bitcoin's peer-to-peer protocol that a light client needs.

Everything a peer may send is bounded: the size of each message, what it sends unasked, and how long it may take.
Every failure is a ChainError; what no honest peer does is PeerMisbehaved.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from bitcache.chain_errors import ChainError, NodeUnreachable, NodeWrongNetwork, PeerMisbehaved
from wallet.chain.light import p2p_messages
from wallet.chain.light.dial_peer import PeerAddress, dial
from wallet.chain.light.p2p_messages import FilterHashes

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
#: No message is longer than a block, and no block longer than this (BIP141).
LONGEST_MESSAGE = 4_000_000
LONGEST = {
    "headers": 3 + 2_000 * 81,
    "cfheaders": 70 + 2_000 * 32,
    "ping": 8,
    "verack": 0,
    "version": 400,
    "inv": 1_800_003,
}
#: What a peer may send unasked: so much at once, and so much a second over time.
UNASKED_BYTES, UNASKED_BYTES_A_SECOND = 4_000_000, 20_000
#: Messages that wait to be read; a peer that sends more waits too.
WAITING = 8
#: Bitcoin Core announces a block before it has the block's filter, and leaves questions for it unanswered.
ASK_AGAIN_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)


class PeerConnection:
    """A peer that answered.  Made by :meth:`open`; close it."""

    def __init__(
        self,
        address: PeerAddress,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        magic: bytes,
        timeout: float,
    ) -> None:
        self.address = address
        self.services = 0
        #: the newest block that it showed to have, its hash as on the wire
        self.newest: bytes | None = None
        self.announced = asyncio.Event()  #: set when it tells of something new, and when it is gone
        self._reader, self._writer, self._magic, self._timeout = reader, writer, magic, timeout
        self._asking = asyncio.Lock()
        self._expected = ""
        self._answers: asyncio.Queue[bytes | ChainError] = asyncio.Queue(WAITING)
        self._unasked, self._unasked_at = 0.0, time.monotonic()
        self._error: ChainError | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, address: PeerAddress, network: str, *, proxy: PeerAddress | None = None, timeout: float = 5.0
    ) -> Self:
        """Connect and shake hands, each within ``timeout`` seconds; raise ChainError."""
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await dial(address, proxy)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            raise _unreachable(f"the peer {address} does not answer") from error
        peer = cls(address, reader, writer, MAGIC[network], timeout)
        try:
            async with _answering(timeout, "the peer hung up, or did not greet"):
                await peer._shake_hands()
        except BaseException:
            await peer.close()
            raise
        peer._reading = asyncio.create_task(peer._read(), name=f"light-peer-{address}")
        return peer

    async def close(self) -> None:
        """Hang up."""
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    @property
    def has_filters(self) -> bool:
        """Whether it serves compact block filters."""
        return bool(self.services & COMPACT_FILTERS)

    @property
    def is_usable(self) -> bool:
        """Whether nothing went wrong since it answered last."""
        return self._error is None

    def check(self) -> None:
        """Raise what went wrong since it answered last, if anything did."""
        if self._error:
            raise self._error

    def fail(self, reason: ChainError) -> None:
        """Be of no use from now on, for this reason."""
        self._error = self._error or reason
        self.announced.set()

    # Questions.  One at a time; each raises ChainError.

    async def headers(self, locator: list[bytes]) -> list[bytes]:
        """Return up to 2 000 raw headers after the first block of ``locator`` that the peer has in its chain."""
        async with self._ask("getheaders", p2p_messages.ask_headers(PROTOCOL, locator), "headers"):
            return p2p_messages.read_headers(await self._next())

    async def filter_hashes(self, first: int, stop: bytes, count: int) -> tuple[bytes, ...]:
        """Return hashes of the filters of ``count`` blocks, from height ``first`` to the block ``stop``."""
        payload = p2p_messages.ask_filters(first, stop)
        async with self._ask("getcfheaders", payload, "cfheaders"):
            filter_hashes: FilterHashes | None = None
            while filter_hashes is None or filter_hashes.stop != stop:  # an answer to an earlier question may come late
                filter_hashes = p2p_messages.read_filter_hashes(await self._insist("getcfheaders", payload))
        if len(filter_hashes.hashes) != count:
            raise PeerMisbehaved("the peer sent fewer or more filter headers than there are blocks")
        return filter_hashes.hashes

    async def filters(self, first: int, stop: bytes, blocks: list[bytes]) -> list[bytes]:
        """Return the filters of ``blocks``, which are those from height ``first`` to the block ``stop``."""
        received: list[bytes] = []
        async with self._ask("getcfilters", p2p_messages.ask_filters(first, stop), "cfilter"):
            for digest in blocks:
                got = p2p_messages.read_filter(await self._next())
                if got.block != digest:
                    raise PeerMisbehaved("the peer sent the filter of another block")
                received.append(got.content)
        return received

    async def block(self, digest: bytes) -> bytes:
        """Return a whole block; nothing of it is checked but that it begins with that block's header."""
        async with self._ask("getdata", p2p_messages.ask_block(digest), "block"):
            raw = await self._next()
        if _double_sha256(raw[: p2p_messages.HEADER]) != digest:
            raise PeerMisbehaved("the peer sent another block")
        return raw

    @asynccontextmanager
    async def _ask(self, command: str, payload: bytes, answer: str) -> AsyncIterator[None]:
        """Send a question; answers are kept while the block runs."""
        async with self._asking:
            self.check()
            while not self._answers.empty():
                self._answers.get_nowait()
            self._expected = answer
            try:
                await self._send(command, payload)
                yield
            finally:
                self._expected = ""
                while not self._answers.empty():
                    self._answers.get_nowait()

    async def _next(self, timeout: float | None = None) -> bytes:
        try:
            async with asyncio.timeout(timeout or self._timeout):
                got = await self._answers.get()
        except TimeoutError as error:
            raise _unreachable("the peer leaves a question unanswered") from error
        if isinstance(got, ChainError):
            raise got
        return got

    async def _insist(self, command: str, payload: bytes) -> bytes:
        """Return the next answer, the question asked again while there is none."""
        for wait in ASK_AGAIN_SECONDS:
            with contextlib.suppress(NodeUnreachable):
                return await self._next(wait)
            self.check()
            await self._send(command, payload)
        return await self._next()

    # Reading

    async def _read(self) -> None:
        """Take what comes until it ends."""
        try:
            while True:
                await self._take(*await self._receive())
        except ChainError as error:
            self.fail(error)
        except (OSError, asyncio.IncompleteReadError):
            self.fail(_unreachable("the peer hung up"))
        if self._answers.full():
            self._answers.get_nowait()
        self._answers.put_nowait(self._error or _unreachable("the peer hung up"))

    async def _take(self, command: str, payload: bytes) -> None:
        if command == self._expected:
            await self._answers.put(payload)
            return
        self._count_unasked(len(payload) + 24)
        if command == "ping":
            await self._send("pong", payload)
        elif command in ("inv", "headers"):
            self.announced.set()

    def _count_unasked(self, size: int) -> None:
        now = time.monotonic()
        drained = (now - self._unasked_at) * UNASKED_BYTES_A_SECOND
        self._unasked, self._unasked_at = max(0.0, self._unasked - drained) + size, now
        if self._unasked > UNASKED_BYTES:
            raise PeerMisbehaved("the peer sends much that nobody asked for")

    async def _receive(self) -> tuple[str, bytes]:
        magic, name, length, checksum = struct.unpack("<4s12sI4s", await self._reader.readexactly(24))
        if magic != self._magic:
            raise NodeWrongNetwork("the peer does not speak this network's protocol", hint=_WRONG)
        command = name.rstrip(b"\0").decode("ascii", "replace")
        if length > LONGEST.get(command, LONGEST_MESSAGE):
            raise PeerMisbehaved("the peer sent too much at once")
        payload = await self._reader.readexactly(length)
        if _double_sha256(payload)[:4] != checksum:
            raise PeerMisbehaved("the peer's message was damaged")
        return command, payload

    async def _shake_hands(self) -> None:
        body = struct.pack("<iQq", PROTOCOL, 0, int(time.time())) + bytes(26) * 2 + secrets.token_bytes(8)
        await self._send("version", body + b"\x00" + struct.pack("<i?", 0, False))
        self.services = p2p_messages.read_services(await self._until("version"))
        await self._send("verack", b"")
        await self._until("verack")

    async def _until(self, wanted: str) -> bytes:
        """Return the next message of this kind, before the reading task runs."""
        while True:
            command, payload = await self._receive()
            if command == wanted:
                return payload
            self._count_unasked(len(payload) + 24)

    async def _send(self, command: str, payload: bytes) -> None:
        head = struct.pack("<4s12sI4s", self._magic, command.encode(), len(payload), _double_sha256(payload)[:4])
        async with _answering(self._timeout, "the peer hung up"):
            self._writer.write(head + payload)
            await self._writer.drain()


async def network_of(address: PeerAddress, proxy: PeerAddress | None, timeout: float) -> str | None:
    """Return which network a peer follows, found by trying them all."""

    async def answers(network: str) -> str | None:
        try:
            await (await PeerConnection.open(address, network, proxy=proxy, timeout=timeout)).close()
        except ChainError:
            return None
        return network

    networks = await asyncio.gather(*map(answers, MAGIC))
    return next(filter(None, networks), None)


@asynccontextmanager
async def _answering(timeout: float, otherwise: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout):
            yield
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise _unreachable(otherwise) from error


_WRONG = "Give peers of the gateway's own network, or correct bitcoin.network."


def _unreachable(message: str) -> NodeUnreachable:
    return NodeUnreachable(message, hint="Check the internet connection and chain.light_peers.")


def _double_sha256(content: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(content).digest()).digest()
