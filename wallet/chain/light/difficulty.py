"""How hard a block must be: compact targets, work, and what the next header must show, exactly as nodes reckon it."""

from __future__ import annotations

from collections.abc import Callable

from wallet.chain.light.consensus import PERIOD, SPACING_SECONDS, TIMESPAN_SECONDS, ConsensusRules

#: Time (Unix seconds) and compact target of the header at a height.
TimeAndBits = Callable[[int], tuple[int, int]]


def target_of(bits: int) -> int:
    """Return the number that a hash may not exceed; 0, which no hash meets, for what is no target."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    if bits & 0x800000 or exponent > 34:
        return 0
    target = mantissa << 8 * (exponent - 3) if exponent >= 3 else mantissa >> 8 * (3 - exponent)
    return target if target < 1 << 256 else 0


def bits_of(target: int) -> int:
    """Return the compact form of a target, which keeps its three highest bytes."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x800000:  # the highest bit is a sign
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


def work_of(bits: int) -> int:
    """Return how many hashes a header of this compact target takes on average."""
    return (1 << 256) // (target_of(bits) + 1)


def required_bits(rules: ConsensusRules, height: int, time: int, at: TimeAndBits) -> int:
    """Return what the header at ``height``, which says ``time``, must hold (Bitcoin Core, ``GetNextWorkRequired``)."""
    if rules.fixed_difficulty:
        return rules.limit_bits
    before, bits = at(height - 1)
    if height % PERIOD == 0:
        return _retarget(rules, before, bits, *at(height - PERIOD))
    if not rules.least_difficulty_after_20_minutes:
        return bits
    if time > before + 2 * SPACING_SECONDS:
        return rules.limit_bits
    place = height - 1
    while place % PERIOD and bits == rules.limit_bits:
        place -= 1
        bits = at(place)[1]
    return bits


def _retarget(rules: ConsensusRules, last_time: int, last_bits: int, first_time: int, first_bits: int) -> int:
    """By how long the period took, which counts as a quarter at least and four times at most of two weeks."""
    took = min(max(last_time - first_time, TIMESPAN_SECONDS // 4), TIMESPAN_SECONDS * 4)
    target = target_of(first_bits if rules.bip94 else last_bits) * took // TIMESPAN_SECONDS
    return bits_of(min(target, target_of(rules.limit_bits)))
