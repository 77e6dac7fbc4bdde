"""Which wallets answered, and when (Unix seconds): one that fails is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass

#: A wallet that failed is left alone for so long (seconds), the longer the more often.
REST_SECONDS = (5, 15, 60, 300)


@dataclass(slots=True)
class WalletRecord:
    """What one wallet did since the start.  ``failures`` in a row, the last at ``failed_at``; the others in all."""

    last_answer: int | None = None
    failures: int = 0
    failed_at: int = 0
    invoices: int = 0
    lookups: int = 0
    failed: int = 0


class WalletHealth:
    """What each scope's wallet did; kept in memory alone."""

    def __init__(self) -> None:
        self._records: dict[str, WalletRecord] = {}

    def of(self, scope: str) -> WalletRecord:
        """Return what is known of a scope's wallet."""
        return self._records.setdefault(scope, WalletRecord())

    def answered(self, scope: str, now: int, *, invoices: int = 0, lookups: int = 0) -> None:
        """Note that it works, and what it did."""
        record = self.of(scope)
        record.last_answer, record.failures = now, 0
        record.invoices += invoices
        record.lookups += lookups

    def failed(self, scope: str, now: int) -> None:
        """Note that it did not answer, or badly: it rests."""
        record = self.of(scope)
        record.failures, record.failed_at = record.failures + 1, now
        record.failed += 1

    def refused(self, scope: str) -> None:
        """Note that it gave no sensible answer about one invoice: no reason to leave it alone."""
        self.of(scope).failed += 1

    def rests(self, scope: str, now: int) -> bool:
        """Return whether it failed so lately that a buyer need not wait for it."""
        record = self.of(scope)
        rest = REST_SECONDS[min(record.failures, len(REST_SECONDS)) - 1] if record.failures else 0
        return record.failed_at <= now < record.failed_at + rest  # before it: the clock was set back
