"""Bitcoin's networks, by the names that nodes use (``getblockchaininfo``'s ``chain``)."""

from __future__ import annotations

from dataclasses import dataclass

from bdkpython import Network, NetworkKind

from bitcache.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the libraries and the encodings call one network."""

    name: str
    bdk: Network
    kind: NetworkKind
    bech32: str
    script_hash_version: bytes
    #: bitcoinlib's name; it has no regtest whose keys are tpub, and the keys of all test networks are alike
    bitcoinlib: str

    @property
    def is_main(self) -> bool:
        """Whether its coins have a price."""
        return self.name == "main"


def _test(name: str, bdk: Network, bech32: str = "tb") -> NetworkFacts:
    return NetworkFacts(name, bdk, NetworkKind.TEST, bech32, b"\xc4", "testnet")


NETWORKS = {
    facts.name: facts
    for facts in (
        NetworkFacts("main", Network.BITCOIN, NetworkKind.MAIN, "bc", b"\x05", "bitcoin"),
        _test("test", Network.TESTNET),
        _test("testnet4", Network.TESTNET4),
        _test("signet", Network.SIGNET),
        _test("regtest", Network.REGTEST, "bcrt"),
    )
}


def facts(name: str) -> NetworkFacts:
    """Return the facts of a network; raise InvalidSettings for a name nobody knows."""
    if name not in NETWORKS:
        raise InvalidSettings(f"the Bitcoin network must be one of {', '.join(NETWORKS)}")
    return NETWORKS[name]
