"""How many bytes one request of an upload carries: the gateway syncs its disk after each, so fewer are faster."""

from __future__ import annotations

from collections.abc import Callable

from bitcache.sealing import hash_groups
from gateway.client.errors import BodyRefused

PIECE = 8 * hash_groups.GROUP_SIZE  #: sealed bytes of the first; proxies are told to take it
LARGEST_PIECE = 64 * hash_groups.GROUP_SIZE
SMALLEST_PIECE = 64 * 1024  #: a proxy that takes less is told of, not worked around
QUICK, SLOW = 2.0, 8.0  #: seconds: below the next piece may be larger, above it is smaller


class PieceSize:
    """``size``: larger while pieces are taken quickly, so that a lost one costs seconds; smaller where one was not."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.size, self._most, self._note = PIECE, LARGEST_PIECE, note

    def taken(self, seconds: float) -> None:
        """Think of the next piece, after one that took so long."""
        if seconds < QUICK:
            self.size = min(self.size * 2, max(self._most, self.size))
        elif seconds > SLOW:
            self.size = max(self.size // 2, min(self.size, PIECE))

    def lost(self) -> None:
        """Go back after a lost connection, for good: a proxy may answer in this way to what is too large for it."""
        if self.size > PIECE:
            self.size = self._most = max(self.size // 2, PIECE)

    def refused(self, refused: BodyRefused) -> None:
        """Go back to what was taken before, or below it; raise ``refused`` when there is nothing smaller to try."""
        if self.size > PIECE:
            self.lost()
            return
        if self.size <= SMALLEST_PIECE:
            raise refused
        if self.size == PIECE:
            self._note(f"A server before the gateway refuses large bodies: sending smaller pieces. {refused.advice}")
        self.size = self._most = max(self.size // 4, SMALLEST_PIECE)
