"""The rules that a chain of block headers follows, by network, and the block that each chain must begin at.

Rules are Bitcoin Core's (``kernel/chainparams.cpp``), as are minimum works.  Base blocks are the first of a
difficulty period, so that every later change of difficulty can be checked exactly; those that are not a genesis
block come from bitcoinj's published checkpoints.  Verify one with ``bitcoin-cli getblockheader HASH``.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Difficulty changes every so many blocks (``nPowTargetTimespan / nPowTargetSpacing``).
PERIOD = 2016
SPACING_SECONDS = 600
TIMESPAN_SECONDS = PERIOD * SPACING_SECONDS
#: A header's time lies above the median of so many before it, and at most so far ahead of the clock.
MEDIAN_OF = 11
FUTURE_SECONDS = 2 * 60 * 60
#: A newest block that is older than this is hardly the network's newest.
STALE_SECONDS = 2 * 60 * 60
#: BIP94: the first block of a period may be so much older than the last of the one before.
TIMEWARP_SECONDS = 600


@dataclass(frozen=True, slots=True)
class BaseBlock:
    """A block that is in the chain for certain: height, hash as shown, compact target, time, work up to it."""

    height: int
    hash: str
    bits: int
    time: int
    work: int


@dataclass(frozen=True, slots=True)
class ConsensusRules:
    """How headers of a network follow each other.

    ``limit_bits``: the least difficulty.  ``minimum_work``: a chain with less is not the network's.
    ``most_headers``: never so many above the base.  ``keeps_pace``: blocks come every ten minutes or sooner.
    """

    base: BaseBlock
    limit_bits: int = 0x1D00FFFF
    minimum_work: int = 0
    least_difficulty_after_20_minutes: bool = False
    bip94: bool = False
    fixed_difficulty: bool = False
    keeps_pace: bool = True
    most_headers: int = 1_000_000

    def least_height(self, now: int) -> int:
        """Return how many blocks there must be by ``now`` (Unix seconds), with room for slow times."""
        expected = (now - self.base.time) // SPACING_SECONDS
        return self.base.height + (max(0, expected) * 9 // 10 if self.keeps_pace else 0)


RULES = {
    "main": ConsensusRules(
        BaseBlock(
            838_656,
            "00000000000000000001f2fa38c036edc385487c0226fbffc8bfe72c5a655899",
            0x17034219,
            1_712_783_853,
            0x739F5B15B3757C13AF5B1A6B,
        ),
        minimum_work=0x1128750F82F4C366153A3A030,  # of block 938 343
    ),
    "test": ConsensusRules(
        BaseBlock(
            3_612_672,
            "00000000000000000b030eae079897a2f81ec5da0b623bad6808bd64537cc103",
            0x19010A9A,
            1_736_292_919,
            0x14CE853925A9E33901FA,
        ),
        minimum_work=0x15F5E0C9F13455B0EB17,
        least_difficulty_after_20_minutes=True,
        most_headers=4_000_000,
    ),
    "testnet4": ConsensusRules(
        BaseBlock(
            0,
            "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
            0x1D00FFFF,
            1_714_777_860,
            0x100010001,
        ),
        minimum_work=0x1D6DCE8651B6094E4C1,  # of block 72 600
        least_difficulty_after_20_minutes=True,
        bip94=True,
    ),
    "signet": ConsensusRules(
        BaseBlock(
            229_824,
            "000000bac742cfc8d76fda4ad387b7aafa577b17d3684c61d8a089dcd08fa374",
            0x1E0146AD,
            1_736_263_429,
            0x29C18351044,
        ),
        limit_bits=0x1E0377AE,
        minimum_work=0x67D328E681A,  # of block 267 665
    ),
    "regtest": ConsensusRules(
        BaseBlock(
            0,
            "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
            0x207FFFFF,
            1_296_688_602,
            2,
        ),
        limit_bits=0x207FFFFF,
        least_difficulty_after_20_minutes=True,
        fixed_difficulty=True,
        keeps_pace=False,
        most_headers=100_000,
    ),
}
