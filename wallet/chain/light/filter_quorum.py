"""What a block pays us, by filters on which enough different peers agree.

Each peer is asked for the hash of the block's filter (BIP157, ``cfheaders``), once.  Where all that answer agree, and
they are enough, the filter itself comes from any of them.  Where they do not, the block is fetched, which proves
itself by its header, and who left out what is in it is dropped.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

import structlog

from bitcache.chain_errors import ChainError, NodeUnreachable, PeerMisbehaved
from bitcache.chain_types import Payment
from wallet.block_outputs import payments_in_block
from wallet.chain.light.block_filters import CompactFilter, filter_hash
from wallet.chain.light.header_chain import HeaderChain
from wallet.chain.light.peer_connection import PeerConnection
from wallet.chain.light.peer_pool import PeerPool
from wallet.chain.light.verify_block import WholeBlock, read_block

#: How many blocks' filter hashes, and how many filters, are asked for at once when we are behind.
HASHES_AT_ONCE, FILTERS_AT_ONCE = 500, 20
KEPT_HASHES, KEPT_FILTERS = 2_000, 40

Answer = TypeVar("Answer")

log = structlog.get_logger("wallet.light")


class Undecided(Exception):
    """Too few peers answered, or one was dropped: ask again."""


class FilterQuorum:
    """Answers for blocks of ``chain``, by ``quorum`` peers of ``pool`` at least."""

    def __init__(self, chain: HeaderChain, pool: PeerPool, quorum: int) -> None:
        self._chain, self._pool, self._quorum = chain, pool, quorum
        #: by block: the hash of its filter on which peers agree, or what each of them says
        self._agreed: OrderedDict[bytes, bytes] = OrderedDict()
        self._filters: OrderedDict[bytes, bytes] = OrderedDict()

    async def payments(self, height: int, scripts: Collection[bytes]) -> tuple[Payment, ...]:
        """Return everything that the block at ``height`` pays to ``scripts``; raise Undecided."""
        digest = self._chain.digest(height)
        if digest not in self._agreed:
            claims = await self._ask_hashes(height)
            if len(set(claims.values())) > 1:
                return await self._settle(height, digest, claims, scripts)
        content = await self._filter(height, digest)
        if await asyncio.to_thread(_may_pay, digest, content, list(scripts)):
            return _payments(await self._block(height, digest), scripts)
        return ()

    async def _ask_hashes(self, height: int) -> dict[PeerConnection, bytes]:
        """Return what each peer says of the block at ``height``; agreement about it and later ones is remembered."""
        stop = min(height + HASHES_AT_ONCE - 1, self._pool.common_height(self._quorum) or height)
        peers, row = self._pool.having(stop), [self._chain.digest(place) for place in range(height, stop + 1)]
        answers = await asyncio.gather(
            *(self._try(peer, partial(peer.filter_hashes, height, row[-1], len(row))) for peer in peers)
        )
        claims = {peer: hashes for peer, hashes in zip(peers, answers, strict=True) if hashes is not None}
        if len(claims) < self._quorum:
            raise Undecided
        for place, digest in enumerate(row):
            if len({hashes[place] for hashes in claims.values()}) == 1:
                _keep(self._agreed, digest, next(iter(claims.values()))[place], KEPT_HASHES)
        return {peer: hashes[0] for peer, hashes in claims.items()}

    async def _settle(
        self, height: int, digest: bytes, claims: dict[PeerConnection, bytes], scripts: Collection[bytes]
    ) -> tuple[Payment, ...]:
        """Return the block, which decides; drop who claims a filter without what is in it, and ask the rest again."""
        block = await self._block(height, digest)
        log.warning("filters_disagree", height=height, peers=len(claims))
        lied = await asyncio.gather(
            *(self._is_lie(peer, height, digest, claimed, block) for peer, claimed in claims.items())
        )
        if any(lied):
            raise Undecided
        return _payments(block, scripts)  # they differ in what nobody can tell without the outputs spent

    async def _is_lie(
        self, peer: PeerConnection, height: int, digest: bytes, claimed: bytes, block: WholeBlock
    ) -> bool:
        """Return whether the peer's filter is not the one that it claimed, or leaves out what is in the block."""
        content = await self._try(peer, partial(peer.filters, height, digest, [digest]))
        if content is None:
            return True
        try:
            lies = filter_hash(content[0]) != claimed or CompactFilter(digest, content[0]).leaves_out(block.scripts)
        except PeerMisbehaved:
            lies = True
        if lies:
            self._pool.drop(peer, PeerMisbehaved("the peer's filter leaves out what is in the block"))
        return lies

    async def _filter(self, height: int, digest: bytes) -> bytes:
        """Return the filter of a block on whose hash peers agree."""
        if digest in self._filters:
            return self._filters[digest]
        row = self._agreed_row(height)
        stop = height + len(row) - 1
        for peer in _shuffled(self._pool.having(stop)):
            contents = await self._try(peer, partial(peer.filters, height, row[-1], row))
            if contents is not None and self._take_filters(peer, row, contents):
                return self._filters[digest]
        raise Undecided

    def _agreed_row(self, height: int) -> list[bytes]:
        """Return blocks from ``height`` on whose filters' hashes are known."""
        row: list[bytes] = []
        while len(row) < FILTERS_AT_ONCE and self._chain.known(height + len(row)):
            digest = self._chain.digest(height + len(row))
            if digest not in self._agreed:
                break
            row.append(digest)
        if not row:
            raise Undecided  # the chain changed meanwhile
        return row

    def _take_filters(self, peer: PeerConnection, row: Sequence[bytes], contents: Sequence[bytes]) -> bool:
        """Keep filters that have the hash agreed on; who sends others is dropped."""
        try:
            for digest, content in zip(row, contents, strict=True):
                if filter_hash(content) != self._agreed[digest]:
                    raise PeerMisbehaved("the peer sent another filter than its hash promised")
                _keep(self._filters, digest, content, KEPT_FILTERS)
        except PeerMisbehaved as error:
            self._pool.drop(peer, error)
            return False
        return True

    async def _block(self, height: int, digest: bytes) -> WholeBlock:
        """Return a block, proven by its header; who sends something else is dropped."""
        for peer in _shuffled(self._pool.having(height)):
            raw = await self._try(peer, partial(peer.block, digest))
            if raw is None:
                continue
            try:
                return await asyncio.to_thread(read_block, raw)
            except PeerMisbehaved as error:
                self._pool.drop(peer, error)
        raise Undecided

    async def _try(self, peer: PeerConnection, ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Return the answer, or None from a peer that is dropped for giving none, or one that cannot be."""
        try:
            return await ask()
        except ChainError as error:
            self._pool.drop(peer, error if isinstance(error, PeerMisbehaved) else NodeUnreachable(str(error)))
            return None


def _may_pay(digest: bytes, content: bytes, scripts: Sequence[bytes]) -> bool:
    """Return whether to look into the block; one on whose filter all agree, though it is none, is looked into."""
    try:
        return CompactFilter(digest, content).matches(scripts)
    except PeerMisbehaved:
        return True


def _payments(block: WholeBlock, scripts: Collection[bytes]) -> tuple[Payment, ...]:
    return tuple(payments_in_block(block.raw, scripts))


def _shuffled(peers: Sequence[PeerConnection]) -> list[PeerConnection]:
    return random.sample(peers, len(peers))


def _keep(kept: OrderedDict[bytes, Answer], key: bytes, value: Answer, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
