"""Proof of work: a small problem whose solution costs processor time, asked for when invoices become scarce.

The gateway keeps nothing: a challenge carries its difficulty and time, and a MAC over what it is for (file, claim
hash, network).  A claim gets one invoice for ever, so a solution is of use once.  Each attempt is one call of PBKDF2,
which browsers and Python both have built in, so a page is about as fast as a program.  docs/protocol.md §10.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass

from bitcache.errors import InvalidIdentifier, WorkTooHard
from bitcache.identifiers import FileId, b64u, unb64u

ITERATIONS = 256
TAG_BYTES = 16
CHALLENGE_BYTES = 1 + 8 + TAG_BYTES
#: A slow phone needs a minute for the hardest one.
LIFETIME_SECONDS = 300
#: A client works on no harder challenge: that would be hours.
HARDEST_BITS = 20
LARGEST_NONCE = 2**53 - 1  #: what JavaScript counts exactly
TOLD_EVERY = 64  #: attempts between two reports of progress

_HEAD = struct.Struct(">BQ")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a challenge is for; another file, claim or network needs another."""

    file_id: FileId
    claim_hash: bytes
    network: bytes


def make_challenge(secret: bytes, purpose: Purpose, bits: int, now: int) -> str:
    """Return a challenge of ``bits`` leading zero bits, good for :data:`LIFETIME_SECONDS` from ``now``."""
    head = _HEAD.pack(bits, now)
    return b64u(head + _tag(secret, purpose, head))


def proven_bits(secret: bytes, purpose: Purpose, challenge: str, nonce: int, now: int) -> int:
    """Return the difficulty that this solution proves; 0 when it is wrong, too old, or not for this purpose."""
    try:
        raw = unb64u(challenge, CHALLENGE_BYTES, "challenge")
    except InvalidIdentifier:
        return 0
    head, tag = raw[: _HEAD.size], raw[_HEAD.size :]
    bits, issued_at = _HEAD.unpack(head)
    if not hmac.compare_digest(tag, _tag(secret, purpose, head)) or abs(now - issued_at) > LIFETIME_SECONDS:
        return 0
    return bits if solves(raw, nonce, bits) else 0


def solves(challenge: bytes, nonce: int, bits: int) -> bool:
    """Return whether ``nonce`` (under 2^53) gives at least ``bits`` leading zero bits."""
    digest = hashlib.pbkdf2_hmac("sha256", nonce.to_bytes(8, "big"), challenge, ITERATIONS, 8)
    return int.from_bytes(digest, "big") >> (64 - bits) == 0


def solve(challenge: str, bits: int, tell: Callable[[float], bool] = lambda _: True) -> int:
    """Return the smallest nonce that solves ``challenge``; takes 2^bits attempts on average.

    ``tell`` is called now and then with how many were made (1.0: as many as usual), and returns whether to go on.
    Raise WorkTooHard above :data:`HARDEST_BITS`, InvalidIdentifier for what is no challenge, and InterruptedError.
    """
    if not 0 <= bits <= HARDEST_BITS:
        raise WorkTooHard
    raw, nonce = unb64u(challenge, CHALLENGE_BYTES, "challenge"), 0
    while not solves(raw, nonce, bits):
        nonce += 1
        if nonce % TOLD_EVERY == 0 and not tell(nonce / 2**bits):
            raise InterruptedError
    return nonce


def _tag(secret: bytes, purpose: Purpose, head: bytes) -> bytes:
    about = purpose.file_id.encode() + purpose.claim_hash + purpose.network
    return hmac.digest(secret, b"bitcache/v1 proof of work\x00" + head + about, hashlib.sha256)[:TAG_BYTES]
