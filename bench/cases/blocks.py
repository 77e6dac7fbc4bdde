"""Finding payments to a million scripts in a full block, beside bitcoinlib's parser."""

from __future__ import annotations

import importlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from bench.case import Case, milliseconds
from wallet.bitcoinlib_import import bitcoinlib
from wallet.block_outputs import payments_in_block

TRANSACTIONS = 4000
SCRIPTS = 1_000_000
OURS = 25  #: payments to us in the block


@contextmanager
def cases() -> Iterator[list[Case]]:
    """A generated block of P2WPKH transactions."""
    scripts = {b"\x00\x14" + os.urandom(20) for _ in range(SCRIPTS)}
    wanted = list(scripts)[:OURS]
    raw = _block(wanted)
    assert len(payments_in_block(raw, scripts)) == OURS
    bitcoinlib()  # quietly, before any other module of it
    parse = importlib.import_module("bitcoinlib.blocks").Block.parse_bytes
    yield [
        Case(
            "scan a block",
            "ms",
            milliseconds(lambda: payments_in_block(raw, scripts)),
            "bitcoinlib",
            milliseconds(lambda: parse(raw, parse_transactions=True)),
            f"{TRANSACTIONS} transactions, {len(raw) / 1e6:.1f} MB, {SCRIPTS} scripts; the peer only parses",
        )
    ]


def _block(wanted: list[bytes]) -> bytes:
    pays = dict(zip(range(1, TRANSACTIONS, TRANSACTIONS // OURS), wanted, strict=False))
    transactions = [_coinbase()] + [_transaction(pays.get(number)) for number in range(1, TRANSACTIONS)]
    header = struct.pack("<I32s32sIII", 0x20000000, os.urandom(32), os.urandom(32), 1_700_000_000, 0x207FFFFF, 0)
    return header + b"\xfd" + struct.pack("<H", TRANSACTIONS) + b"".join(transactions)


def _transaction(script: bytes | None) -> bytes:
    """Two inputs with their signatures, two outputs."""
    inputs = b"\x02" + b"".join(os.urandom(32) + struct.pack("<I", 0) + b"\x00" + b"\xfd\xff\xff\xff" for _ in range(2))
    outputs = b"\x02" + _output(script or b"\x00\x14" + os.urandom(20)) + _output(b"\x00\x14" + os.urandom(20))
    witness = b"\x02\x48" + b"\x30\x45\x02\x21\x00" + os.urandom(32) + b"\x02\x20" + os.urandom(32) + b"\x01"
    return b"\x02\x00\x00\x00\x00\x01" + inputs + outputs + 2 * (witness + b"\x21\x02" + os.urandom(32)) + bytes(4)


def _coinbase() -> bytes:
    source = b"\x01" + bytes(32) + b"\xff\xff\xff\xff" + b"\x04" + os.urandom(4) + b"\xff\xff\xff\xff"
    return b"\x02\x00\x00\x00" + source + b"\x01" + _output(b"\x00\x14" + os.urandom(20)) + bytes(4)


def _output(script: bytes) -> bytes:
    return struct.pack("<Q", 2500) + bytes([len(script)]) + script
