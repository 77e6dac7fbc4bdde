"""How an upload is cut and read: sealing beside sending, pieces that grow, and what proxies and cuts do to them."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from client.lying import answering
from support.flaky_proxy import flaky_proxy

from bitcache.identifiers import new_file_id
from gateway.client import piece_size, read_ahead
from gateway.client.errors import BodyRefused, GatewayConfused, SourceChanged
from gateway.client.gateway_client import GatewayClient, connect
from gateway.client.piece_size import PieceSize
from gateway.client.upload_file import send_from

PIECE, BLOCK = 2**20, 300_000
SIZE = 20 * 2**20 + 7


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces and blocks that a test has time for."""
    monkeypatch.setattr(piece_size, "PIECE", PIECE)
    monkeypatch.setattr(piece_size, "LARGEST_PIECE", 4 * PIECE)
    monkeypatch.setattr(read_ahead, "BLOCK", BLOCK)


class Source:
    """Sealed bytes that know how far they were read, and that one thread alone reads them."""

    def __init__(self, size: int = SIZE) -> None:
        self.size, self.furthest = size, 0
        self.content = random.Random(5).randbytes(size)
        self.breaks_at = 2**50
        self._lock = threading.Lock()

    def read(self, offset: int, length: int) -> memoryview:
        """As SealedFile does."""
        assert self._lock.acquire(blocking=False), "two threads at a time"
        try:
            assert offset <= self.furthest, "in order"
            if offset + length > self.breaks_at:
                raise SourceChanged
            self.furthest = max(self.furthest, min(offset + length, self.size))
            return memoryview(self.content)[offset : offset + length]
        finally:
            self._lock.release()


@dataclass
class Gateway:
    """An upload's other end: ``meets`` is called with each piece's size before its body is read."""

    arrived: bytearray = field(default_factory=bytearray)
    sizes: list[int] = field(default_factory=list)
    meets: Callable[[int, web.Request], web.Response | None] = lambda size, request: None

    async def answer(self, request: web.Request) -> web.Response:
        """tus, as far as it is needed here."""
        if request.method == "PATCH":
            size = request.content_length
            assert size is not None, "a length is always told"
            self.sizes.append(size)
            if (refused := self.meets(size, request)) is not None:
                return refused
            assert int(request.headers["Upload-Offset"]) == len(self.arrived)
            async for part in request.content.iter_any():
                self.arrived += part
        return web.Response(status=204, headers={"Upload-Offset": str(len(self.arrived))})


async def send(client: GatewayClient, source: Source, **more: Callable[..., None]) -> None:
    """The upload."""
    heard = {"progress": lambda done, total: None, "note": lambda text: None, **more}
    await send_from(client, "token", new_file_id(), source, 0, heard["progress"], heard["note"])


async def test_pieces_grow_while_they_are_taken() -> None:
    gateway, source = Gateway(), Source()
    async with answering(gateway.answer) as client:
        await send(client, source)
    assert gateway.arrived == source.content
    assert gateway.sizes[:5] == [PIECE, 2 * PIECE, 4 * PIECE, 4 * PIECE, 4 * PIECE]


async def test_the_next_block_is_sealed_while_the_present_one_is_sent() -> None:
    """And no more than that, however large the piece: memory stays what it is."""
    source, furthest = Source(), []

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)  # nothing of the body is read meanwhile: the connection's buffers are all there is
        furthest.append(source.furthest)
        body = await request.read()
        return web.Response(
            status=204, headers={"Upload-Offset": str(int(request.headers["Upload-Offset"]) + len(body))}
        )

    async with answering(answer) as client:
        await send(client, source)
    assert BLOCK < furthest[0] <= SIZE / 2


async def test_progress_moves_within_a_piece() -> None:
    gateway, seen = Gateway(), []

    def note_progress(done: int, total: int) -> None:
        seen.append((done, len(gateway.sizes)))

    async with answering(gateway.answer) as client:
        await send(client, Source(), progress=note_progress)
    assert len({done for done, piece in seen if piece == 3}) > 5
    assert seen[-1][0] == SIZE


async def test_a_larger_piece_that_is_refused_is_not_tried_again() -> None:
    """Two are what that proxy takes, and the documented ones take: nothing to tell the seller."""
    gateway, source, said = Gateway(), Source(), list[str]()
    gateway.meets = lambda size, request: web.Response(status=413) if size > 2 * PIECE else None
    async with answering(gateway.answer) as client:
        await send(client, source, note=said.append)
    assert gateway.arrived == source.content
    assert gateway.sizes[:5] == [PIECE, 2 * PIECE, 4 * PIECE, 2 * PIECE, 2 * PIECE]
    assert not said


async def test_a_proxy_that_takes_small_pieces_only_is_told_of_once() -> None:
    gateway, source, said = Gateway(), Source(3 * PIECE), list[str]()
    gateway.meets = lambda size, request: web.Response(status=413) if size > PIECE // 3 else None
    async with answering(gateway.answer) as client:
        await send(client, source, note=said.append)
    assert gateway.arrived == source.content
    assert set(gateway.sizes[1:-1]) == {PIECE // 4}
    assert len(said) == 1


async def test_a_connection_that_breaks_makes_pieces_smaller_again() -> None:
    """A proxy may answer so to a body that is too large: its size is not tried again."""
    gateway, source = Gateway(), Source()

    def cut(size: int, request: web.Request) -> None:
        if size > 2 * PIECE:
            assert request.transport is not None
            request.transport.abort()

    gateway.meets = cut
    async with answering(gateway.answer) as client:
        await send(client, source)
    assert gateway.arrived == source.content
    assert max(gateway.sizes[3:]) == 2 * PIECE


async def test_any_cut_anywhere() -> None:
    """Sent again is what did not arrive, read by one thread at a time."""
    gateway, source, dice = Gateway(), Source(), random.Random(402)
    async with (
        answering(gateway.answer) as direct,
        flaky_proxy(direct.base, lambda: dice.randrange(300_000, 9_000_000)) as proxy,
        connect(proxy.url) as client,
    ):
        await send(client, source)
        assert proxy.cuts > 1
    assert gateway.arrived == source.content


async def test_bytes_of_a_lost_connection_that_arrive_after_the_question() -> None:
    """What the gateway said before does not hold any more: it is asked again."""
    gateway, source = Gateway(), Source()

    def arrive(size: int, request: web.Request) -> web.Response | None:
        if len(gateway.sizes) != 2:
            return None
        gateway.arrived += source.content[len(gateway.arrived) :][:1000]
        body = {"code": "upload_offset", "detail": "the upload stands elsewhere"}
        return web.json_response(body, status=409)

    gateway.meets = arrive
    async with answering(gateway.answer) as client:
        await send(client, source)
    assert gateway.arrived == source.content


async def test_what_cannot_be_read_is_no_fault_of_the_connection() -> None:
    source = Source()
    source.breaks_at = 5 * PIECE
    async with answering(Gateway().answer) as client:
        with pytest.raises(SourceChanged):
            await send(client, source)


async def test_stopping_waits_for_the_thread_that_reads() -> None:
    """The file is closed right after."""
    source, gateway = Source(), Gateway()

    def stop(done: int, total: int) -> None:
        if done > 3 * PIECE:
            sending.cancel()

    async with answering(gateway.answer) as client:
        sending = asyncio.create_task(send(client, source, progress=stop))
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert source._lock.acquire(blocking=False)


async def test_a_gateway_that_has_more_than_was_sent() -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204, headers={"Upload-Offset": str(PIECE + 1)})

    async with answering(answer) as client:
        with pytest.raises(GatewayConfused, match="never sent"):
            await send(client, Source())


def test_a_slow_line_keeps_its_pieces_small() -> None:
    """What is lost with a connection is a matter of seconds."""
    pieces = PieceSize(print)
    pieces.taken(5.0)
    assert pieces.size == PIECE
    pieces.taken(0.5)
    assert pieces.size == 2 * PIECE
    pieces.taken(60.0)
    assert pieces.size == PIECE
    pieces.taken(60.0)
    assert pieces.size == PIECE


def test_nothing_smaller_is_left_to_try() -> None:
    pieces, refused = PieceSize(lambda text: None), BodyRefused()
    while pieces.size > piece_size.SMALLEST_PIECE:
        pieces.refused(refused)
        pieces.lost()
        pieces.taken(0.1)
    with pytest.raises(BodyRefused):
        pieces.refused(refused)
