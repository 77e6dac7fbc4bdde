"""The scanner of raw blocks: agrees with the node, and takes no nonsense."""

from __future__ import annotations

import secrets
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.accounts import fresh_destinations

from bitcache.chain_errors import NodeRefused
from bitcache.chain_types import Payment
from bitcache.money import Sat, sat_from_btc
from wallet.block_outputs import parent_hash, payments_in_block, payments_in_transaction, transaction_id
from wallet.chain.regtest_node import RegtestNode

OURS = b"\x00\x14" + b"\x07" * 20

#: The first transaction of block 170, the first payment ever, and its two outputs.
FIRST_PAYMENT = bytes.fromhex(
    "0100000001c997a5e56e104102fa209c6a852dd90660a20b2d9c352423edce25857fcd3704000000004847304402204e45e16932b8af514961"
    "a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a8768d1d0901"
    "ffffffff0200ca9a3b00000000434104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df"
    "5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac00286bee0000000043410411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1"
    "482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3ac00000000"
)
FIRST_PAYMENT_ID = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"


def varint(number: int) -> bytes:
    """Bitcoin's variable-length integer."""
    if number < 0xFD:
        return bytes([number])
    return b"\xfd" + struct.pack("<H", number) if number < 2**16 else b"\xfe" + struct.pack("<I", number)


def transaction(outputs: list[tuple[int, bytes]], *, witness: bool = True, inputs: int = 1) -> bytes:
    """A transaction that a scanner must be able to walk."""
    one_input = secrets.token_bytes(36) + varint(3) + b"abc" + b"\xff" * 4
    body = varint(inputs) + one_input * inputs + varint(len(outputs))
    body += b"".join(struct.pack("<Q", value) + varint(len(script)) + script for value, script in outputs)
    witnesses = b"\x02\x00" + varint(300) + b"w" * 300 if witness else b""
    return b"\2\0\0\0" + (b"\x00\x01" if witness else b"") + body + witnesses * inputs + b"\0" * 4


def block(transactions: list[bytes]) -> bytes:
    """A block around them."""
    header = b"\4\0\0\0" + bytes(range(32)) + b"\0" * 44
    return header + varint(len(transactions)) + b"".join(transactions)


def test_a_published_transaction() -> None:
    assert transaction_id(FIRST_PAYMENT) == FIRST_PAYMENT_ID
    script = bytes.fromhex(
        "4104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414"
        "e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac"
    )
    (payment,) = payments_in_transaction(FIRST_PAYMENT, {script})
    assert payment == Payment(f"{FIRST_PAYMENT_ID}:0", script, Sat(1_000_000_000))


@pytest.mark.parametrize("witness", [True, False])
def test_every_output_to_us_is_found_by_number(witness: bool) -> None:
    raw = transaction([(1, b"other"), (2, OURS), (3, b""), (4, OURS)], witness=witness)
    assert [(payment.reference.split(":")[1], payment.amount) for payment in payments_in_transaction(raw, {OURS})] == [
        ("1", 2),
        ("3", 4),
    ]


def test_witnesses_do_not_change_the_id() -> None:
    raw = transaction([(1, OURS)], witness=True)
    stripped = raw[:4] + raw[6 : -4 - (2 + 3 + 300)] + raw[-4:]
    assert transaction_id(stripped) == transaction_id(raw)


def test_only_the_first_transaction_of_a_block_must_mature() -> None:
    payments = payments_in_block(block([transaction([(5, OURS)]), transaction([(6, OURS)])]), {OURS})
    assert [(payment.amount, payment.maturity) for payment in payments] == [(5, 100), (6, 0)]


def test_many_outputs_and_long_scripts() -> None:
    outputs = [(number, bytes(number)) for number in range(700)] + [(700, OURS)]
    raw = block([transaction(outputs, inputs=300)])
    assert [payment.reference.split(":")[1] for payment in payments_in_block(raw, {OURS})] == ["700"]


def test_the_parent_is_read_as_nodes_print_it() -> None:
    assert parent_hash(block([])) == bytes(range(32))[::-1].hex()


def test_a_block_cut_short_is_refused() -> None:
    """At every length but the whole."""
    whole = block([transaction([(5, OURS)]), transaction([(6, OURS)])])
    assert len(payments_in_block(whole, {OURS})) == 2
    for length in range(len(whole)):
        with pytest.raises(NodeRefused):
            payments_in_block(whole[:length], {OURS})


def test_a_block_with_bytes_to_spare_is_refused() -> None:
    with pytest.raises(NodeRefused):
        payments_in_block(block([transaction([(5, OURS)])]) + b"x", {OURS})


@given(st.binary(max_size=400))
def test_garbage_is_refused_in_our_words(raw: bytes) -> None:
    for scan in (payments_in_block, payments_in_transaction):
        try:
            scan(raw, {OURS})
        except NodeRefused:
            continue


@pytest.mark.node
async def test_the_node_reads_its_blocks_the_same(regtest: RegtestNode) -> None:
    """Against ``getblock`` with every detail, amounts parsed as decimals."""
    destinations = fresh_destinations(3, "wpkh") + fresh_destinations(3, "tr") + fresh_destinations(3, "sh(wpkh)")
    for number, (_, address) in enumerate(destinations):
        await regtest.pay(address, Sat(1_000 + number))
    await regtest.mine(1, destinations[0][1])
    digest = await regtest.rpc("getbestblockhash")
    scripts = {script for script, _ in destinations}
    theirs = [
        Payment(
            f"{transaction['txid']}:{output['n']}",
            bytes.fromhex(output["scriptPubKey"]["hex"]),
            sat_from_btc(output["value"]),
            0 if number else 100,
        )
        for number, transaction in enumerate((await regtest.rpc("getblock", digest, 2))["tx"])
        for output in transaction["vout"]
        if bytes.fromhex(output["scriptPubKey"]["hex"]) in scripts
    ]
    assert payments_in_block(bytes.fromhex(await regtest.rpc("getblock", digest, 0)), scripts) == theirs
    assert len(theirs) == 10
