"""Which wallets answered, and when (Unix seconds): one that fails is left alone for a while."""

from __future__ import annotations

#: A wallet that failed is left alone for so long (seconds), the longer the more often.
REST_SECONDS = (5, 15, 60, 300)


class WalletHealth:
    """What each scope's wallet did; kept in memory alone."""

    def __init__(self) -> None:
        self._answered: dict[str, int] = {}
        self._failures: dict[str, tuple[int, int]] = {}  # how many in a row, and when the last was

    def answered(self, scope: str, now: int) -> None:
        """Note that it works."""
        self._answered[scope] = now
        self._failures.pop(scope, None)

    def failed(self, scope: str, now: int) -> None:
        """Note that it did not answer, or badly."""
        self._failures[scope] = (self._failures.get(scope, (0, 0))[0] + 1, now)

    def rests(self, scope: str, now: int) -> bool:
        """Return whether it failed so lately that a buyer need not wait for it."""
        count, last = self._failures.get(scope, (0, 0))
        return count > 0 and now < last + REST_SECONDS[min(count, len(REST_SECONDS)) - 1]

    def last_answer(self, scope: str) -> int | None:
        """Return when it answered last; None: not since the start."""
        return self._answered.get(scope)

    def failures(self, scope: str) -> int:
        """Return how often in a row it failed."""
        return self._failures.get(scope, (0, 0))[0]
