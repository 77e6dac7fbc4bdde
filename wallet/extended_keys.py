"""Public extended keys: what their first four letters say, and SLIP-132 keys put into plain words."""

from __future__ import annotations

from dataclasses import dataclass

from bitcache.errors import InvalidDescriptor, WrongNetwork
from wallet.bitcoinlib_import import bitcoinlib
from wallet.networks import facts


@dataclass(frozen=True, slots=True)
class Kind:
    """What a prefix says: the network, and (SLIP-132) which addresses the wallet makes."""

    is_main: bool
    script_type: str | None
    bitcoinlib: str


KINDS = {
    "xpub": Kind(True, None, "legacy"),
    "ypub": Kind(True, "sh(wpkh)", "p2sh-segwit"),
    "zpub": Kind(True, "wpkh", "segwit"),
    "tpub": Kind(False, None, "legacy"),
    "upub": Kind(False, "sh(wpkh)", "p2sh-segwit"),
    "vpub": Kind(False, "wpkh", "segwit"),
}
MULTISIG = ("Ypub", "Zpub", "Upub", "Vpub")


def kind_of(key: str, network: str) -> Kind:
    """Return the kind of a key that belongs to ``network``; raise InvalidDescriptor, WrongNetwork."""
    prefix = key[:4]
    if prefix in MULTISIG:
        raise InvalidDescriptor(
            "this is one key of a multisig wallet",
            hint="Export the wallet's descriptor, which holds all its keys: wsh(sortedmulti(…)).",
            reason="multisig_key",
        )
    if prefix not in KINDS:
        raise InvalidDescriptor("this kind of extended key is not known", reason="no_descriptor")
    kind = KINDS[prefix]
    if kind.is_main != facts(network).is_main:
        owner = "the main network" if kind.is_main else "a test network"
        raise WrongNetwork(f"this key belongs to {owner}, the gateway is on {network}")
    return kind


def plain(key: str, network: str) -> tuple[str, int]:
    """Return the same key as xpub or tpub, and its depth below the seed; raise InvalidDescriptor if mistyped."""
    kind, library = kind_of(key, network), bitcoinlib()
    try:
        key_object = library.keys.HDKey.from_wif(key, network=facts(network).bitcoinlib)
        # bitcoinlib ignores the checksum: a mistyped key comes back with a fresh one, unlike itself
        if key_object.wif(witness_type=kind.bitcoinlib) == key:
            return str(key_object.wif(witness_type="legacy")), int(key_object.depth)
    except (library.keys.BKeyError, library.encoding.EncodingError, ValueError, TypeError):
        pass
    raise InvalidDescriptor("this extended key is mistyped or incomplete", reason="mistyped") from None
