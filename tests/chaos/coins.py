"""Coins that anyone may spend (P2WSH of OP_TRUE), and the raw transactions that spend them.

No wallet and no signature: a payment is made, replaced and double-spent by writing bytes, and nothing
is ever sent again behind the harness's back.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from chaos.rpc import Refused

ANYONE = bytes([0x51])
SCRIPT = b"\x00\x20" + hashlib.sha256(ANYONE).digest()
REPLACEABLE = 0xFFFFFFFD


@dataclass(frozen=True, slots=True)
class Coin:
    """An output to :data:`SCRIPT`."""

    txid: str
    vout: int
    sat: int


@dataclass(frozen=True, slots=True)
class Output:
    """Where money goes."""

    script: bytes
    sat: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed transaction, if signing is the word."""

    txid: str
    raw: str
    coins: tuple[Coin, ...]
    outputs: tuple[Output, ...]
    fee: int


def spend(coins: list[Coin], outputs: list[Output], fee: int) -> Transaction:
    """Pay ``outputs`` from ``coins``; the rest comes back as the last output."""
    rest = sum(coin.sat for coin in coins) - sum(output.sat for output in outputs) - fee
    if rest < 0:
        raise Refused("these coins are too small")
    paid = [*outputs, Output(SCRIPT, rest)] if rest >= 1000 else outputs
    inputs = b"".join(
        bytes.fromhex(coin.txid)[::-1] + struct.pack("<I", coin.vout) + b"\x00" + struct.pack("<I", REPLACEABLE)
        for coin in coins
    )
    body = _count(len(coins)) + inputs + _count(len(paid)) + b"".join(map(_output, paid))
    witness = (b"\x01\x01" + ANYONE) * len(coins)
    version, locktime = struct.pack("<I", 2), struct.pack("<I", 0)
    txid = _twice(version + body + locktime)[::-1].hex()
    raw = version + b"\x00\x01" + body + witness + locktime
    return Transaction(txid, raw.hex(), tuple(coins), tuple(paid), fee)


def _output(output: Output) -> bytes:
    return struct.pack("<Q", output.sat) + _count(len(output.script)) + output.script


def _count(number: int) -> bytes:
    return bytes([number]) if number < 0xFD else b"\xfd" + struct.pack("<H", number)


def _twice(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()
