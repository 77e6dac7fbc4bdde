"""Proof of work: solutions are of use once, for what they were asked for, and for a while."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bitcache.errors import InvalidIdentifier, WorkTooHard
from bitcache.identifiers import FileId, b64u, new_file_id, unb64u
from bitcache.proof_of_work import LIFETIME_SECONDS, Purpose, make_challenge, proven_bits, solve, solves

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "proof_of_work.json").read_text())
SECRET, NOW = bytes.fromhex(VECTORS["secret"]), VECTORS["issued_at"]
PURPOSE = Purpose(FileId(VECTORS["file_id"]), unb64u(VECTORS["claim_hash"]), bytes.fromhex(VECTORS["network"]))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['bits']} bits")
def test_vectors(case: dict[str, Any]) -> None:
    """The challenge for a purpose, its smallest solution, and what the specification says about it."""
    challenge, bits, nonce = case["challenge"], case["bits"], case["nonce"]
    assert make_challenge(SECRET, PURPOSE, bits, NOW) == challenge
    assert solve(challenge, bits) == nonce
    assert proven_bits(SECRET, PURPOSE, challenge, nonce, NOW) == bits
    work = hashlib.pbkdf2_hmac("sha256", nonce.to_bytes(8, "big"), unb64u(challenge), 256, 32)
    assert f"{int.from_bytes(work, 'big'):0256b}".startswith("0" * bits)


def test_a_solution_is_for_one_purpose_one_time_and_its_own_difficulty() -> None:
    """Another file, claim, network, secret, time, nonce, or one changed bit: nothing is proven."""
    challenge = make_challenge(SECRET, PURPOSE, 6, NOW)
    nonce = solve(challenge, 6)
    assert proven_bits(SECRET, PURPOSE, challenge, nonce, NOW + LIFETIME_SECONDS) == 6
    others = [
        replace(PURPOSE, file_id=FileId(new_file_id())),
        replace(PURPOSE, claim_hash=bytes(32)),
        replace(PURPOSE, network=b"elsewhere"),
    ]
    assert [proven_bits(SECRET, other, challenge, nonce, NOW) for other in others] == [0, 0, 0]
    assert proven_bits(b"other", PURPOSE, challenge, nonce, NOW) == 0
    assert proven_bits(SECRET, PURPOSE, challenge, nonce, NOW + LIFETIME_SECONDS + 1) == 0
    wrong = next(number for number in range(nonce + 1, nonce + 1000) if not solves(unb64u(challenge), number, 6))
    assert proven_bits(SECRET, PURPOSE, challenge, wrong, NOW) == 0
    raw = unb64u(challenge)
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert proven_bits(SECRET, PURPOSE, b64u(changed), nonce, NOW) == 0
    assert proven_bits(SECRET, PURPOSE, "nonsense", nonce, NOW) == 0


def test_a_client_does_not_work_for_ever() -> None:
    """On nothing unreasonable, and not when it is told to stop."""
    challenge = make_challenge(SECRET, PURPOSE, 20, NOW)
    for bits in (21, 255, -1):
        with pytest.raises(WorkTooHard):
            solve(challenge, bits)
    with pytest.raises(InvalidIdentifier):
        solve("nonsense", 1)
    told: list[float] = []

    def tell(part: float) -> bool:
        told.append(part)
        return len(told) < 3

    with pytest.raises(InterruptedError):
        solve(challenge, 20, tell)
    assert told == [64 / 2**20, 128 / 2**20, 192 / 2**20]
