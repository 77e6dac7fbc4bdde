"""What wallets export around a descriptor: the account in it is found, or the seller learns what to choose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bdkpython import Descriptor, DescriptorSecretKey, Mnemonic, NetworkKind
from support.accounts import BIP84_ZPUB, TPUB

from bitcache.errors import InvalidDescriptor
from wallet import address_crosscheck
from wallet.chain.regtest_node import RegtestNode
from wallet.descriptors import read

PATHS = {"wpkh": "84", "tr": "86", "sh(wpkh)": "49", "pkh": "44"}
KEYS = [
    str(DescriptorSecretKey(NetworkKind.TEST, Mnemonic.from_entropy(bytes([number]) * 16), None).as_public())
    for number in (1, 2, 3)
]
TPUBS = [key.split("/")[0] for key in KEYS]


def written(script_type: str, branch: str = "0") -> str:
    """A descriptor as a wallet writes it, with its checksum."""
    key = f"[deadbeef/{PATHS[script_type]}h/1h/0h]{TPUB}/{branch}/*"
    text = f"sh(wpkh({key}))" if script_type == "sh(wpkh)" else f"{script_type}({key})"
    return str(Descriptor(text, NetworkKind.TEST))


def multisig(paths: str = "0/*", name: str = "sortedmulti", hardened: str = "h") -> str:
    """Two of three."""
    origins = [f"[{number}{number}adbeef/48{hardened}/1{hardened}/0{hardened}/2{hardened}]" for number in (1, 2, 3)]
    keys = ",".join(f"{origin}{key}/{paths}" for origin, key in zip(origins, TPUBS, strict=True))
    return f"wsh({name}(2,{keys}))"


def listed(*types: str, active: bool = True) -> list[dict[str, Any]]:
    """Entries of Bitcoin Core's ``listdescriptors``."""
    return [
        {
            "desc": written(name, str(branch)),
            "timestamp": 1,
            "active": active,
            "internal": branch == 1,
            "range": [0, 999],
        }
        for name in types
        for branch in (1, 0)
    ]


WPKH = read(written("wpkh"), "regtest").text

EXPORTS = {
    "Core": json.dumps({"wallet_name": "w", "descriptors": listed("pkh", "wpkh")}, indent=2),
    "Core, the list alone": json.dumps(listed("wpkh")),
    "Core, one entry": json.dumps(listed("wpkh")[1]),
    "Core, with what is not used any more": json.dumps(listed("wpkh") + listed("tr", active=False)),
    "Specter": json.dumps({"label": "My wallet", "blockheight": 0, "descriptor": written("wpkh", "<0;1>")}),
    "Coldcard": json.dumps({"chain": "XTN", "bip84": {"deriv": "m/84h/1h/0h", "desc": written("wpkh")}}),
    "External and Internal": f"External: {written('wpkh')}\nInternal: {written('wpkh', '1')}\n",
    "Internal first": f"Internal:\n{written('wpkh', '1')}\nExternal:\n{written('wpkh')}",
    "Sparrow": (
        f"# Receive and change descriptor (BIP389):\n\n{written('wpkh', '<0;1>')}\n\n"
        f"# Receive descriptor (Bitcoin Core):\n\n{written('wpkh')}\n\n"
        f"# Change descriptor (Bitcoin Core):\n\n{written('wpkh', '1')}\n"
    ),
    "two lines without a word": f"{written('wpkh', '1')}\n{written('wpkh')}",
    "both branches": written("wpkh").split("#")[0].replace("/0/*", "/**"),
    "apostrophes": written("wpkh").split("#")[0].replace("h", "'").replace("wpk'", "wpkh"),
    "quoted": f'"{written("wpkh")}"',
    "labelled": f"My descriptor: {written('wpkh')}",
}


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_the_receiving_account_is_found(export: str) -> None:
    assert read(export, "regtest").text == WPKH


def test_of_several_address_types_the_seller_chooses() -> None:
    export = json.dumps({"descriptors": listed("pkh", "sh(wpkh)", "tr", "wpkh")})
    with pytest.raises(InvalidDescriptor, match="several address types") as raised:
        read(export, "regtest")
    assert raised.value.details == {"reason": "script_type_needed", "script_types": ["sh(wpkh)", "tr", "wpkh"]}
    for script_type in ("sh(wpkh)", "tr", "wpkh"):
        assert read(export, "regtest", script_type).text == read(written(script_type), "regtest").text


def test_of_several_accounts_the_seller_gives_one() -> None:
    with pytest.raises(InvalidDescriptor, match="several accounts"):
        read("\n".join(f"wpkh({key}/0/*)" for key in TPUBS), "regtest")


def test_what_is_wrong_with_the_only_descriptor_is_said() -> None:
    with pytest.raises(InvalidDescriptor, match="checksum"):
        read(json.dumps({"descriptor": written("wpkh")[:-1] + "q"}), "regtest")


def test_keys_in_json_are_read_where_there_is_no_descriptor() -> None:
    assert read(json.dumps({"bip84": {"_pub": BIP84_ZPUB}}), "main").text == read(BIP84_ZPUB, "main").text


@pytest.mark.parametrize("text", ["{", "[]", "{}", "[1, null]", "[" * 9000, '{"desc": 7}', '{"desc": ""}'])
def test_other_json_is_no_descriptor(text: str) -> None:
    with pytest.raises(InvalidDescriptor):
        read(text, "regtest")


# Multisig

SPELLINGS = {
    "h": multisig(),
    "apostrophes": multisig(hardened="'"),
    "both branches": multisig("<0;1>/*"),
    "BSMS": f"BSMS 1.0\n{multisig('**')}\n/0/*,/1/*\nbcrt1q",
    "External and Internal": f"External: {multisig()}\nInternal: {multisig('1/*')}",
}


@pytest.mark.parametrize("typed", SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_of_one_multisig_account(typed: str) -> None:
    account = read(typed, "regtest")
    assert account.script_type == "wsh"
    assert account.text == read(multisig(), "regtest").text


@pytest.mark.parametrize("name", ["sortedmulti", "multi"])
@pytest.mark.parametrize("network", ["regtest", "signet"])
def test_both_libraries_agree_on_multisig(name: str, network: str) -> None:
    address_crosscheck.confirm(read(multisig(name=name), network), count=10)


@pytest.mark.node
@pytest.mark.parametrize("name", ["sortedmulti", "multi"])
async def test_multisig_addresses_are_those_of_the_node(regtest: RegtestNode, name: str) -> None:
    account = read(multisig(name=name), "regtest")
    theirs = await regtest.rpc("deriveaddresses", account.text, [0, 99])
    assert [account.address(index) for index in range(100)] == theirs
