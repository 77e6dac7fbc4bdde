"""The first addresses of an account, derived once more by bitcoinlib.

A wrong address loses a seller's money without a trace, so two libraries that share no code must
agree before an account is used.  Output scripts and addresses are compared.  Key derivation, hashes,
curve arithmetic and encodings are bitcoinlib's; for taproot the BIP341 tweak is spelled out here,
because bitcoinlib's own P2TR addresses leave it out and cannot be spent.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from bitcache.errors import InvalidDescriptor, SalesPaused
from wallet.account import Account
from wallet.bitcoinlib_import import Library, bitcoinlib
from wallet.networks import NetworkFacts, facts

HOW_MANY = 3
CANONICAL = re.compile(r"(?P<type>wpkh|tr|sh\(wpkh)\((?:\[[^\]]*\])?(?P<key>\w+)(?P<path>(?:/\d+)*)/\*\)+#\w{8}")
MULTISIG = re.compile(r"wsh\((?P<name>sortedmulti|multi)\((?P<needed>\d+),(?P<keys>[^()]+)\)\)#\w{8}")
RANGED_KEY = re.compile(r"(?:\[[^\]]*\])?(?P<key>\w+)(?P<path>(?:/\d+)*)/\*")
TAP_TWEAK = hashlib.sha256(b"TapTweak").digest()


def confirm(account: Account, count: int = HOW_MANY) -> None:
    """Derive the first addresses both ways; raise SalesPaused when they differ."""
    for index in range(count):
        if derive(account.text, account.network, index) != account.derive(index):
            raise SalesPaused(
                "two independent libraries derive different addresses from this descriptor",
                hint="Nothing is sold until this is understood. Report the script type, never the key, as a bug.",
            )


def derive(descriptor: str, network: str, index: int) -> tuple[bytes, str]:
    """Return output script and address number ``index`` of a canonical descriptor, by bitcoinlib."""
    library, where = bitcoinlib(), facts(network)
    if multisig := MULTISIG.fullmatch(descriptor):
        return _wsh(library, multisig, where, index)
    match = CANONICAL.fullmatch(descriptor)
    if not match:
        raise InvalidDescriptor("this is not a canonical descriptor")
    key = _key(library, match, where, index)
    encode = {"wpkh": _wpkh, "tr": _tr, "sh(wpkh": _sh_wpkh}[match["type"]]
    return encode(library, key, where)


def _key(library: Library, match: re.Match[str], where: NetworkFacts, index: int) -> Any:
    account = library.keys.HDKey.from_wif(match["key"], network=where.bitcoinlib)
    return account.key_for_path([*match["path"].split("/")[1:], str(index)])


def _wsh(library: Library, multisig: re.Match[str], where: NetworkFacts, index: int) -> tuple[bytes, str]:
    """BIP67 and BIP383: at most 15 keys, so that both counts are one byte of the script."""
    matches = [RANGED_KEY.fullmatch(key) for key in multisig["keys"].split(",")]
    public = [_key(library, key, where, index).public_byte for key in matches if key]
    if len(public) != len(matches):
        raise InvalidDescriptor("this is not a canonical descriptor")
    if multisig["name"] == "sortedmulti":
        public.sort()
    pushes = b"".join(bytes([len(key)]) + key for key in public)
    script = bytes([0x50 + int(multisig["needed"])]) + pushes + bytes([0x50 + len(public), 0xAE])
    program = hashlib.sha256(script).digest()
    return b"\x00\x20" + program, library.encoding.pubkeyhash_to_addr_bech32(program, where.bech32)


def _wpkh(library: Library, key: Any, where: NetworkFacts) -> tuple[bytes, str]:
    digest = library.encoding.hash160(key.public_byte)
    return b"\x00\x14" + digest, library.encoding.pubkeyhash_to_addr_bech32(digest, where.bech32)


def _sh_wpkh(library: Library, key: Any, where: NetworkFacts) -> tuple[bytes, str]:
    inner, _ = _wpkh(library, key, where)
    digest = library.encoding.hash160(inner)
    address = library.encoding.pubkeyhash_to_addr_base58(digest, where.script_hash_version)
    return b"\xa9\x14" + digest + b"\x87", address


def _tr(library: Library, key: Any, where: NetworkFacts) -> tuple[bytes, str]:
    program = _tweaked(library, key)
    xor = library.encoding.BECH32M_CONST
    address = library.encoding.pubkeyhash_to_addr_bech32(program, where.bech32, witver=1, checksum_xor=xor)
    return b"\x51\x20" + program, address


def _tweaked(library: Library, key: Any) -> bytes:
    """BIP341: the x of P + t·G, where P is the internal key with even y and t the tagged hash of its x."""
    x, y = key.public_point()
    tweak = hashlib.sha256(TAP_TWEAK + TAP_TWEAK + x.to_bytes(32)).digest()
    even = (x, y if y % 2 == 0 else library.keys.secp256k1_p - y)
    internal = library.keys.ec_point_multiplication(even, 1, return_point=True)
    output = internal + library.keys.ec_point(int.from_bytes(tweak))
    return int(output.x() if callable(output.x) else output.x).to_bytes(32)
