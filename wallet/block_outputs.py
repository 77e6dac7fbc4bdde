"""Outputs of raw blocks and transactions, matched against our scripts.

Straight from the bytes, because speed matters here: a full block with 4 000 transactions takes some
12 ms whatever the number of scripts, two orders of magnitude less than decoding it into objects.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Container
from dataclasses import dataclass
from struct import unpack_from

from bitcache.chain_errors import NodeRefused
from bitcache.chain_types import Payment
from bitcache.money import Sat
from wallet.chain.chain_source import COINBASE_MATURITY, Scripts

HEADER = 80
Match = tuple[int, int, bytes]  #: output number, satoshis, script


def block_hash(raw: bytes) -> str:
    """Return the hash of this raw block, as nodes print it."""
    return hashlib.sha256(hashlib.sha256(raw[:HEADER]).digest()).digest()[::-1].hex()


def parent_hash(raw: bytes) -> str:
    """Return the hash of the block before this raw block, as nodes print it."""
    return raw[4:36][::-1].hex()


def payments_in_block(raw: bytes, scripts: Scripts) -> list[Payment]:
    """Return every output of a raw block that pays one of ``scripts``; raise NodeRefused on garbage."""
    try:
        count, at = _varint(raw, HEADER)
        matched: list[Payment] = []
        for number in range(count):
            at, payments = _scan(raw, at, scripts, maturity=0 if number else COINBASE_MATURITY)
            matched += payments
    except (IndexError, struct.error) as error:
        raise NodeRefused("the node sent a broken block") from error
    if at != len(raw):
        raise NodeRefused("the node sent a broken block")
    return matched


class _EveryScript:
    """Holds whatever is looked for."""

    def __contains__(self, script: object) -> bool:
        return True


_EVERY_SCRIPT = _EveryScript()


@dataclass(frozen=True, slots=True)
class TransactionOutline:
    """Of a transaction: its id (not reversed), the output that its first input spends, every output script."""

    digest: bytes
    first_input: bytes
    scripts: tuple[bytes, ...]


def every_transaction(raw: bytes) -> list[TransactionOutline]:
    """Return an outline of each transaction of a raw block, in order; raise NodeRefused on garbage."""
    try:
        count, at = _varint(raw, HEADER)
        outlines: list[TransactionOutline] = []
        for _ in range(count):
            at, outline = _outline(raw, at)
            outlines.append(outline)
    except (IndexError, struct.error) as error:
        raise NodeRefused("the node sent a broken block") from error
    if at != len(raw):
        raise NodeRefused("the node sent a broken block")
    return outlines


def payments_in_transaction(raw: bytes, scripts: Scripts) -> list[Payment]:
    """Return every output of a raw transaction that pays one of ``scripts``; raise NodeRefused on garbage."""
    try:
        end, payments = _scan(raw, 0, scripts, maturity=0)
    except (IndexError, struct.error) as error:
        raise NodeRefused("the node sent a broken transaction") from error
    if end != len(raw):
        raise NodeRefused("the node sent a broken transaction")
    return payments


def transaction_id(raw: bytes) -> str:
    """Return the id of a raw transaction, as nodes print it; raise NodeRefused on garbage."""
    try:
        body = 4 + _marker(raw, 4)
        _, outputs = _after_inputs(raw, body)
        end, _ = _outputs(raw, outputs, ())
    except (IndexError, struct.error) as error:
        raise NodeRefused("the node sent a broken transaction") from error
    if end > len(raw) - 4:
        raise NodeRefused("the node sent a broken transaction")
    return _txid(raw, 0, body, end, len(raw) - 4)


def spent_by(raw: bytes) -> list[tuple[str, int]]:
    """Return the outputs that a raw transaction spends: transaction id (as nodes print it) and number."""
    count, at = _varint(raw, 4 + _marker(raw, 4))
    outpoints = []
    for _ in range(count):
        outpoints.append((raw[at : at + 32][::-1].hex(), unpack_from("<I", raw, at + 32)[0]))
        length, at = _varint(raw, at + 36)
        at += length + 4
    return outpoints


def _scan(raw: bytes, start: int, scripts: Scripts, *, maturity: int) -> tuple[int, list[Payment]]:
    """Return one transaction at ``start``: where it ends, and its payments to us."""
    marker = _marker(raw, start + 4)
    body = start + 4 + marker
    inputs, outputs = _after_inputs(raw, body)
    end, matches = _outputs(raw, outputs, scripts)
    locktime = _after_witnesses(raw, end, inputs) if marker else end
    if not matches:
        return locktime + 4, []
    txid = _txid(raw, start, body, end, locktime)
    return locktime + 4, [Payment(f"{txid}:{n}", script, Sat(value), maturity) for n, value, script in matches]


def _outline(raw: bytes, start: int) -> tuple[int, TransactionOutline]:
    """Return where the transaction at ``start`` ends, and its outline."""
    marker = _marker(raw, start + 4)
    body = start + 4 + marker
    inputs, outputs = _after_inputs(raw, body)
    first = _varint(raw, body)[1]
    end, matches = _outputs(raw, outputs, _EVERY_SCRIPT)
    locktime = _after_witnesses(raw, end, inputs) if marker else end
    if locktime + 4 > len(raw):
        raise IndexError
    digest = bytes.fromhex(_txid(raw, start, body, end, locktime))[::-1]
    return locktime + 4, TransactionOutline(digest, raw[first : first + 36], tuple(script for _, _, script in matches))


def _marker(raw: bytes, at: int) -> int:
    """Return the length of the segwit marker and flag: no transaction has zero inputs, so a 0 there is the marker."""
    return 0 if raw[at] else 2


def _after_inputs(raw: bytes, at: int) -> tuple[int, int]:
    """Return how many inputs start at ``at``, and where the outputs start."""
    count, at = _varint(raw, at)
    for _ in range(count):
        length, at = _varint(raw, at + 36)
        at += length + 4
    return count, at


def _outputs(raw: bytes, at: int, scripts: Container[bytes]) -> tuple[int, list[Match]]:
    """Return where the outputs at ``at`` end, and those that pay us."""
    count, at = _varint(raw, at)
    matches: list[Match] = []
    for number in range(count):
        value_at = at
        length = raw[at + 8]
        if length < 0xFD:  # nearly always: worth not calling a function for
            at += 9
        else:
            length, at = _varint(raw, at + 8)
        script = raw[at : at + length]
        at += length
        if script in scripts:
            matches.append((number, unpack_from("<Q", raw, value_at)[0], script))
    return at, matches


def _after_witnesses(raw: bytes, at: int, inputs: int) -> int:
    for _ in range(inputs):
        count, at = _varint(raw, at)
        for _ in range(count):
            length, at = _varint(raw, at)
            at += length
    return at


def _txid(raw: bytes, start: int, body: int, end: int, locktime: int) -> str:
    """Return the double SHA-256 of the transaction without marker, flag and witnesses."""
    stripped = raw[start : start + 4] + raw[body:end] + raw[locktime : locktime + 4]
    return hashlib.sha256(hashlib.sha256(stripped).digest()).digest()[::-1].hex()


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Bitcoin's variable-length integer at ``at``, and where it ends."""
    first = raw[at]
    if first < 0xFD:
        return first, at + 1
    if first == 0xFD:
        return unpack_from("<H", raw, at + 1)[0], at + 3
    if first == 0xFE:
        return unpack_from("<I", raw, at + 1)[0], at + 5
    return unpack_from("<Q", raw, at + 1)[0], at + 9
