"""Whom the light client talks to: found, greeted, and asked for headers, before the real work begins."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Sequence

import structlog

from bitcache.errors import ChainError, InvalidSettings, NodeRefused, NodeUnreachable, NodeWrongNetwork
from wallet.chain.light.dial import PORTS, PeerAddress, read_address
from wallet.chain.light.headers import Headers
from wallet.chain.light.p2p import PeerConnection, network_of

#: Names that answer with peers; ``x49`` asks for those that serve compact filters.
SEEDS = {
    "main": ("seed.bitcoin.sipa.be", "dnsseed.emzy.de", "seed.bitcoin.sprovoost.nl", "seed.bitcoin.wiz.biz"),
    "test": ("seed.testnet.bitcoin.sprovoost.nl",),
    "testnet4": ("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
    "signet": ("seed.signet.bitcoin.sprovoost.nl",),
}
FULL_BATCH = 2_000
TRIES = 12  #: greeted at the same time, of those that seeds name
TIMEOUT = 5.0
TIMEOUT_PROXY = 20.0

log = structlog.get_logger("wallet.light")


class Peers:
    """Peers of ``network``: those configured, or those that DNS seeds name."""

    def __init__(self, network: str, configured: Sequence[str], connections: int, proxy: str | None) -> None:
        """Raises InvalidSettings."""
        self.network = network
        self.wanted = connections
        self.configured = tuple(read_address(text, network) for text in configured)
        self.proxy = read_address(proxy, network) if proxy else None
        if not 1 <= connections <= 15:
            raise InvalidSettings("a light client keeps 1 to 15 connections")
        if self.proxy and not self.configured:
            raise InvalidSettings(
                "with a proxy the peers must be named",
                hint="Set chain.light_peers: looking for peers by DNS would bypass it.",
            )
        if network not in SEEDS and not self.configured:
            raise InvalidSettings("on regtest the peers must be named", hint="Set chain.light_peers.")
        self._timeout = TIMEOUT_PROXY if self.proxy else TIMEOUT

    async def bring(self, headers: Headers) -> tuple[PeerAddress, ...]:
        """Fetch headers from as many peers as wanted; returns those.  Raises ChainError if there are none."""
        useful: list[PeerAddress] = []
        reason: ChainError = NodeUnreachable(
            "no peer was found", hint="Check the internet connection and chain.light_peers."
        )
        answers = await asyncio.gather(*map(self._greet, await self._candidates()))
        try:
            for address, answer in answers:
                try:
                    if len(useful) < self.wanted:
                        await _fetch(_usable(answer, address), headers)
                        useful.append(address)
                except ChainError as error:
                    log.info("peer_unusable", peer=str(address), reason=str(error))
                    reason = error
        finally:
            for _, answer in answers:
                if isinstance(answer, PeerConnection):
                    await answer.close()
        if not useful:
            raise reason
        return tuple(useful)

    async def _candidates(self) -> list[PeerAddress]:
        if self.configured:
            named = await asyncio.gather(*map(self._resolve, self.configured))
            found = [address for addresses in named for address in addresses[:1]]
            if not found:
                raise NodeUnreachable("the configured peers' names are not known", hint="Check chain.light_peers.")
            return found
        port = PORTS[self.network]
        seeds = [PeerAddress(f"x49.{seed}", port) for seed in SEEDS[self.network]]
        found = [address for addresses in await asyncio.gather(*map(self._resolve, seeds)) for address in addresses]
        return random.sample(found, min(TRIES, len(found)))

    async def _resolve(self, address: PeerAddress) -> list[PeerAddress]:
        """By number, because the client takes no names."""
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(self._timeout):
                found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            return []
        return list(dict.fromkeys(PeerAddress(str(one[4][0]), address.port) for one in found))

    async def _greet(self, address: PeerAddress) -> tuple[PeerAddress, PeerConnection | ChainError]:
        """A connection, or why there is none; if the peer only does not understand us, find out why."""
        try:
            return address, await PeerConnection.open(address, self.network, proxy=self.proxy, timeout=self._timeout)
        except ChainError as error:
            if not self.configured or not isinstance(error, NodeUnreachable | NodeWrongNetwork):
                return address, error
            other = await network_of(address, self.proxy, self._timeout)
            if other in (None, self.network):
                return address, error
            return address, NodeWrongNetwork(
                f"the peer {address} follows {other}, this gateway {self.network}",
                hint="Give peers of the gateway's own network in chain.light_peers, or correct bitcoin.network.",
            )


def _usable(answer: PeerConnection | ChainError, address: PeerAddress) -> PeerConnection:
    """The connection; raises ChainError when there is none, or no filters."""
    if isinstance(answer, ChainError):
        raise answer
    if not answer.has_filters:
        raise NodeRefused(
            f"the peer {address} serves no compact block filters",
            hint="Start it with -blockfilterindex=1 -peerblockfilters=1, or give another in chain.light_peers.",
        )
    return answer


async def _fetch(peer: PeerConnection, headers: Headers) -> None:
    """Every header that the peer has and we have not, if its chain is the heavier."""
    while batch := await peer.headers(headers.locator()):
        if not headers.accept(batch) or len(batch) < FULL_BATCH:
            return
