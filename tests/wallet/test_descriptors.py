"""What sellers type in: read as their wallets mean it, or refused with the reason and without an echo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.accounts import BIP49_UPUB, BIP84_BRANCH_XPUB, BIP84_ZPUB, BIP86_XPUB, TPUB, descriptor

from bitcache.errors import BitcacheError, InvalidDescriptor, PrivateKeyRefused, WrongNetwork
from wallet.account import Account
from wallet.chain.regtest_node import RegtestNode
from wallet.descriptors import TYPES, read

SEED = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
WIF = "L1uyy5qTuGrVXrmrsvHWHgVzW9kKdrp27wBC7Vs6nZDTF2BRUVwy"
BIP38 = "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg"
PUBLIC_KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
ORIGIN = "[deadbeef/84h/1h/0h]"
RANGE = f"{TPUB}/0/*"


# Published vectors


def test_bip84_vectors() -> None:
    account = read(BIP84_ZPUB, "main")
    assert account.script_type == "wpkh"
    assert account.address(0) == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    assert account.address(1) == "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"


def test_bip86_vectors() -> None:
    account = read(BIP86_XPUB, "main", "tr")
    assert account.address(0) == "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    assert account.address(1) == "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"
    assert account.script(0).hex() == "5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"


def test_bip49_vector() -> None:
    """BIP49 gives the account's key on testnet and its first address."""
    assert read(BIP49_UPUB, "test").address(0) == "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"


# The node agrees


@pytest.mark.node
@pytest.mark.parametrize("script_type", TYPES)
async def test_a_thousand_addresses_are_those_of_the_node(regtest: RegtestNode, script_type: str) -> None:
    account = read(descriptor(script_type), "regtest")
    theirs = await regtest.rpc("deriveaddresses", account.text, [0, 999])
    assert [account.address(index) for index in range(1000)] == theirs


@pytest.mark.node
@pytest.mark.parametrize("script_type", TYPES)
async def test_canonical_text_is_what_the_node_says(regtest: RegtestNode, script_type: str) -> None:
    typed = descriptor(script_type, ORIGIN + RANGE)
    account = read(typed, "regtest")
    info = await regtest.rpc("getdescriptorinfo", account.text)
    assert account.text.endswith(f"#{info['checksum']}")
    last = await regtest.rpc("deriveaddresses", account.text, [2**31 - 1, 2**31 - 1])
    assert account.address(2**31 - 1) == last[0]


# What is read


@pytest.mark.parametrize(
    "typed",
    [
        f"wpkh({RANGE})",
        f"  wpkh({RANGE})\n",
        f"wpkh({RANGE})#gt9he67w",
        f"wpkh({TPUB}/<0;1>/*)",
        f"wpkh({TPUB}/<0;1>/*)#y088k4s2",
        f"wpkh({TPUB}/**)",
        f"wpkh({RANGE})\u200b",
    ],
)
def test_spellings_of_one_account(typed: str) -> None:
    assert read(typed, "regtest").text == f"wpkh({RANGE})#gt9he67w"


@pytest.mark.parametrize("script_type", TYPES)
def test_a_bare_key_means_its_branch_0(script_type: str) -> None:
    whole = read(descriptor(script_type), "regtest").text
    assert read(TPUB, "regtest", script_type).text == whole
    assert read(RANGE, "regtest", script_type).text == whole


def test_a_bare_key_keeps_its_origin() -> None:
    assert read(ORIGIN + TPUB, "regtest", "wpkh").text.startswith("wpkh([deadbeef/84'/1'/0']tpub")


def test_the_canonical_text_is_a_fixed_point() -> None:
    for script_type in TYPES:
        account = read(descriptor(script_type), "regtest")
        assert Account(account.text, "regtest").text == account.text == read(account.text, "regtest").text
        assert account.script_type == script_type


def test_the_network_decides_the_address_and_not_the_script() -> None:
    on_signet, on_regtest = (read(f"wpkh({RANGE})", network) for network in ("signet", "regtest"))
    assert on_signet.script(7) == on_regtest.script(7)
    assert on_signet.address(7).startswith("tb1q")
    assert on_regtest.address(7).startswith("bcrt1q")


# What is refused

REFUSED = {
    "nothing": ("", InvalidDescriptor, "no descriptor"),
    "words": ("my wallet", InvalidDescriptor, "no descriptor"),
    "an address": ("bcrt1qwdgpwfp54x5xw7q2ukm6mmhp44guz7z3sqwjqx", InvalidDescriptor, "one address"),
    "a key without a type": (TPUB, InvalidDescriptor, "does not say which addresses"),
    "another network": (BIP84_ZPUB, WrongNetwork, "the main network"),
    "another network inside": (f"tr({BIP86_XPUB}/0/*)", WrongNetwork, "the main network"),
    "a wrong checksum": (f"wpkh({RANGE})#aaaaaaaa", InvalidDescriptor, "checksum"),
    "an empty checksum": (f"wpkh({RANGE})#", InvalidDescriptor, "checksum"),
    "a changed letter": (f"wpkh({RANGE.replace('msFG', 'msFH')})", InvalidDescriptor, "mistyped"),
    "an open bracket": (f"wpkh({RANGE}", InvalidDescriptor, "mistyped"),
    "a hardened step": (f"wpkh({TPUB}/0h/*)", InvalidDescriptor, "hardened"),
    "a hardened range": (f"wpkh({TPUB}/0/*')", InvalidDescriptor, "hardened"),
    "a hardened multipath": (f"wpkh({TPUB}/<0h;1>/*)", InvalidDescriptor, "hardened"),
    "a fixed index": (f"wpkh({TPUB}/0/5)", InvalidDescriptor, "fixed address"),
    "no path": (f"wpkh({TPUB})", InvalidDescriptor, "fixed address"),
    "a single public key": (f"wpkh({PUBLIC_KEY})", InvalidDescriptor, "fixed address"),
    "a wildcard in the middle": (f"wpkh({TPUB}/*/0)", InvalidDescriptor, "fixed address"),
    "legacy": (f"pkh({RANGE})", InvalidDescriptor, "only wpkh"),
    "bare sh": (f"sh({RANGE})", InvalidDescriptor, "only wpkh"),
    "addr": ("addr(bcrt1qwdgpwfp54x5xw7q2ukm6mmhp44guz7z3sqwjqx)", InvalidDescriptor, "only wpkh"),
    "nested multisig": (f"sh(wsh(sortedmulti(1,{RANGE},{TPUB}/1/*)))", InvalidDescriptor, "multisig"),
    "miniscript": (f"wsh(and_v(v:pk({RANGE}),older(9)))", InvalidDescriptor, "inside wsh"),
    "more keys than counted": (f"wsh(sortedmulti(3,{RANGE},{TPUB}/1/*))", InvalidDescriptor, "mistyped"),
    "a multisig of fixed keys": (f"wsh(sortedmulti(1,{TPUB}/0/5,{TPUB}/1/*))", InvalidDescriptor, "fixed address"),
    "a multisig key": ("Vpub" + TPUB[4:], InvalidDescriptor, "multisig"),
    "script paths": (f"tr({RANGE},pk({TPUB}/1/*))", InvalidDescriptor, "script paths"),
    "a SLIP-132 key inside": ("wpkh(vpub" + TPUB[4:] + "/0/*)", InvalidDescriptor, "xpub or tpub"),
    "an enormous text": ("wpkh(" + "1" * 100_000 + ")", InvalidDescriptor, "no descriptor"),
    "another alphabet": (f"wpkh(\u0442{RANGE[1:]})", InvalidDescriptor, "no descriptor|there must be"),
}


@pytest.mark.parametrize(("typed", "error", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_reason(typed: str, error: type[BitcacheError], reason: str) -> None:
    with pytest.raises(error, match=reason) as raised:
        read(typed, "regtest")
    assert raised.value.advice
    assert TPUB[10:30] not in repr(raised.value)


@pytest.mark.parametrize("place", [10, 30, 40, 60, 90, 110])
def test_a_mistyped_slip132_key_is_not_mended(place: int) -> None:
    """bitcoinlib ignores the checksum and would derive another key's addresses."""
    wrong = BIP84_ZPUB[:place] + ("2" if BIP84_ZPUB[place] != "2" else "3") + BIP84_ZPUB[place + 1 :]
    with pytest.raises(InvalidDescriptor, match="mistyped"):
        read(wrong, "main")


def test_a_type_that_contradicts_the_key_is_refused() -> None:
    with pytest.raises(InvalidDescriptor, match="for wpkh"):
        read(BIP84_ZPUB, "main", "tr")
    with pytest.raises(InvalidDescriptor, match="script type beside it"):
        read(f"wpkh({RANGE})", "regtest", "tr")
    with pytest.raises(InvalidDescriptor, match="must be one of"):
        read(TPUB, "regtest", "pkh")


def test_a_bare_key_below_the_account_is_refused() -> None:
    """Its wallet would look at other addresses than those that are paid."""
    with pytest.raises(InvalidDescriptor, match="below the account"):
        read(BIP84_BRANCH_XPUB, "main", "wpkh")


def test_there_is_no_address_beyond_the_last() -> None:
    account = read(f"wpkh({RANGE})", "regtest")
    for index in (-1, 2**31):
        with pytest.raises(InvalidDescriptor, match="no such address"):
            account.script(index)


# Secrets

SECRETS = {
    "seed words": SEED,
    "24 seed words": " ".join(["zoo"] * 23 + ["vote"]),
    "mistyped seed words": SEED.replace("about", "abuot"),
    "numbered seed words": " ".join(f"{number}. {word}" for number, word in enumerate(SEED.split(), 1)),
    "seed words with commas": SEED.replace(" ", ","),
    "French seed words": "abaisser abandon abdiquer abeille abolir aborder aboutir aboyer abrasif abri abuser acajou",
    "seed words in a descriptor": f"wpkh({SEED})",
    "an xprv": XPRV,
    "an xprv in a descriptor": f"wpkh([deadbeef/84h/0h/0h]{XPRV}/0/*)",
    "a zprv": "zprv" + XPRV[4:],
    "a tprv": f"tr(tprv{XPRV[4:]}/86h/1h/0h/0/*)",
    "a mistyped xprv": XPRV[:-5],
    "a private key": WIF,
    "a private key in a descriptor": f"wpkh({WIF})",
    "an uncompressed private key": "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss",
    "a test network's private key": "cTpB4YiyKiBcPxnefsDpbnDxFDffjqJob8wGCEDXxgQ7zQoMXJdH",
    "an encrypted private key": BIP38,
    "a raw private key": "0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d",
    "beside a public key": f"{TPUB} {XPRV}",
}


@pytest.mark.parametrize("network", ["main", "regtest"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_secrets_are_refused_and_never_echoed(secret: str, network: str) -> None:
    with pytest.raises(PrivateKeyRefused) as raised:
        read(secret, network)
    error = raised.value
    assert error.__context__ is None, "no error behind it quotes the input"
    shown = " ".join([str(error), repr(error), error.advice, repr(error.details)])
    for word in (XPRV[10:30], WIF[5:20], BIP38[5:20], "abandon", "abaisser", "0c28fca3", "zoo"):
        assert word not in shown


@given(st.text(max_size=300))
def test_any_text_is_refused_in_our_words(typed: str) -> None:
    with pytest.raises(BitcacheError):
        read(typed, "regtest")


@given(st.integers(0, len(RANGE) - 1), st.sampled_from("023456789ABCxyz/*'h()#[]"))
def test_one_changed_letter_never_gives_other_addresses(place: int, letter: str) -> None:
    """Either refused, or the same key with a visibly different path."""
    typed = RANGE[:place] + letter + RANGE[place + 1 :]
    try:
        account = read(f"wpkh({typed})", "regtest")
    except BitcacheError:
        return
    assert account.text.startswith(f"wpkh({TPUB}/")
    assert place >= len(TPUB) or typed == RANGE


def test_accounts_show_no_key() -> None:
    """An xpub is no secret, but it shows a wallet's whole history."""
    assert TPUB[5:20] not in repr(read(f"wpkh({RANGE})", "regtest"))
