"""Where peers are found: those that settings name, or those that DNS seeds name."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from collections.abc import Sequence

from bitcache.chain_errors import ChainError, NodeRefused, NodeUnreachable, NodeWrongNetwork
from bitcache.errors import InvalidSettings
from wallet.chain.light.dial_peer import PORTS, PeerAddress, read_address
from wallet.chain.light.peer_connection import PeerConnection, network_of

#: Names that answer with peers; ``x49`` asks for those that serve compact filters.
SEEDS = {
    "main": ("seed.bitcoin.sipa.be", "dnsseed.emzy.de", "seed.bitcoin.sprovoost.nl", "seed.bitcoin.wiz.biz"),
    "test": ("seed.testnet.bitcoin.sprovoost.nl",),
    "testnet4": ("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
    "signet": ("seed.signet.bitcoin.sprovoost.nl",),
}
#: More than must agree; at most so many that settings name; so many kept of those that seeds name.
SPARE, MOST_NAMED, MOST_FOUND = 2, 16, 256
#: Seconds that a peer may take to answer.
TIMEOUT = 5.0
TIMEOUT_PROXY = 20.0


class Peers:
    """Peers of ``network``: those configured, or those that DNS seeds name."""

    def __init__(self, network: str, configured: Sequence[str], connections: int, proxy: str | None) -> None:
        """``connections``: how many must agree.  Raise InvalidSettings."""
        self.network = network
        self.quorum = connections
        self.configured = tuple(read_address(text, network) for text in configured)
        self.proxy = read_address(proxy, network) if proxy else None
        if not 1 <= connections <= 15:
            raise InvalidSettings("a light client asks 1 to 15 peers")
        if self.proxy and not self.configured:
            raise InvalidSettings(
                "with a proxy the peers must be named",
                hint="Set chain.light_peers: looking for peers by DNS would bypass it.",
            )
        if network not in SEEDS and not self.configured:
            raise InvalidSettings("on regtest the peers must be named", hint="Set chain.light_peers.")
        self._timeout = TIMEOUT_PROXY if self.proxy else TIMEOUT

    @property
    def most(self) -> int:
        """To how many to connect: some more than must agree, so that one that fails stops nothing."""
        spare = self.quorum + SPARE
        return min(max(len(self.configured), self.quorum), MOST_NAMED) if self.configured else spare

    async def candidates(self) -> list[PeerAddress]:
        """Return every peer that could be asked, by number; raise ChainError when none is known."""
        if self.proxy:
            return list(dict.fromkeys(self.configured))  # the proxy knows names, and ours would bypass it
        if self.configured:
            named = await asyncio.gather(*map(self._resolve, self.configured))
            candidates = [address for addresses in named for address in addresses[:1]]
            if not candidates:
                raise NodeUnreachable("the configured peers' names are not known", hint="Check chain.light_peers.")
            return list(dict.fromkeys(candidates))
        port = PORTS[self.network]
        seeds = [PeerAddress(f"x49.{seed}", port) for seed in SEEDS[self.network]]
        candidates = [
            address for addresses in await asyncio.gather(*map(self._resolve, seeds)) for address in addresses
        ]
        if not candidates:
            raise NodeUnreachable("no peer was found", hint="Check the internet connection, or set chain.light_peers.")
        random.shuffle(candidates)
        return list(dict.fromkeys(candidates))[:MOST_FOUND]

    async def _resolve(self, address: PeerAddress) -> list[PeerAddress]:
        """By number, so that two names of one peer count once."""
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(self._timeout):
                resolved = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            return []
        return list(dict.fromkeys(PeerAddress(str(answer[4][0]), address.port) for answer in resolved))

    async def connect(self, address: PeerAddress) -> PeerConnection:
        """Greet a peer that serves filters; raise ChainError, which says what is wrong with the peer if it can."""
        try:
            peer = await PeerConnection.open(address, self.network, proxy=self.proxy, timeout=self._timeout)
        except (NodeUnreachable, NodeWrongNetwork) as error:
            raise await self._explained(address, error) from error
        if not peer.has_filters:
            await peer.close()
            raise NodeRefused(
                f"the peer {address} serves no compact block filters",
                hint="Start it with -blockfilterindex=1 -peerblockfilters=1, or give another in chain.light_peers.",
            )
        return peer

    async def _explained(self, address: PeerAddress, error: ChainError) -> ChainError:
        """If a named peer only does not understand us, find out why."""
        if not self.configured:
            return error
        other = await network_of(address, self.proxy, self._timeout)
        if other in (None, self.network):
            return error
        return NodeWrongNetwork(
            f"the peer {address} follows {other}, this gateway {self.network}",
            hint="Give peers of the gateway's own network in chain.light_peers, or correct bitcoin.network.",
        )


def neighbourhood(address: PeerAddress) -> str:
    """Return which addresses one party easily has many of: an IPv4 /16, an IPv6 /32."""
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return address.host
    return str(ipaddress.ip_network((ip, 16 if ip.version == 4 else 32), strict=False))
