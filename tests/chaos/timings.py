"""When things can have happened, as far as the harness knows by itself: what it saw of the node, and when.

Times here are real ones (Unix seconds); the gateway writes those of its own clock, which may be wrong.  A time that
the gateway wrote is right if its clock showed it between the last moment at which the thing had not happened
yet and the first checkpoint afterwards.  From then on it must never change.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from chaos.clock import GatewayClock
from chaos.ledger_file import Ledger
from chaos.reference import Invoice, Truth

#: The gateway looks at its node every ten seconds; a busy machine makes it late.
STALE = 30.0


@dataclass
class Timings:
    """Bounds of every time in the ledger.  ``check`` says what is wrong; ``keep`` fixes what was right."""

    clock: GatewayClock
    looked: float = field(default_factory=time.time)  #: when the last look at the node began
    began: float = field(default_factory=time.time)
    _unseen: dict[str, float] = field(default_factory=dict)  # payment: not on the node before this
    _unpaid: dict[str, float] = field(default_factory=dict)  # purchase: not fully confirmed before this
    _intact: dict[str, float] = field(default_factory=dict)  # purchase: at this checkpoint it was no loss
    _seen_at: dict[str, int] = field(default_factory=dict)
    _lost_at: dict[str, int] = field(default_factory=dict)
    waited: set[str] = field(default_factory=set)  #: payments that waited for a block at the last checkpoint

    def look(self, began: float, truth: Truth) -> None:
        """Payments that were not there at the last look came after it began."""
        for payments in (*truth.paid.values(), *truth.in_wallet.values()):
            for payment in payments:
                self._unseen.setdefault(payment.reference, self.looked)
        self.looked = began

    def confirmed(self, purchase_id: str, before: float) -> None:
        """It is fully confirmed, and was not at the real time ``before``."""
        self._unpaid.setdefault(purchase_id, before)

    def granted_rightly(self, purchase_id: str, granted_at: int) -> bool:
        """Whether a grant that is seen for the first time was written after its payments were confirmed."""
        return self.clock.showed(granted_at, self._unpaid[purchase_id], time.time())

    def check(self, invoices: list[Invoice], truth: Truth, ledger: Ledger) -> list[str]:
        """What is wrong with the times in the ledger, given that the gateway is in step."""
        now = time.time()
        problems = []
        if not self.clock.showed(ledger.known_until, now - STALE, now):
            problems.append(f"the chain is known up to {ledger.known_until}, and the clock shows {self.clock.now()}")
        if not self.clock.showed(ledger.wallet_until, now - STALE, now):
            problems.append(f"the wallet is known up to {ledger.wallet_until}, and the clock shows {self.clock.now()}")
        for invoice in invoices:
            for reference in truth.references(invoice):
                problems += self._check_sight(reference, ledger.seen.get(reference), now)
            problems += self._check_loss(invoice.purchase_id, ledger, now)
        return problems

    def keep(self, ledger: Ledger) -> None:
        """Everything is right now: what was written once stays."""
        now = time.time()
        self._seen_at.update(ledger.seen)
        self.waited = set(ledger.waiting)
        for purchase_id, (_, lost_at) in ledger.grants.items():
            if lost_at is None:
                self._intact[purchase_id] = now
                self._lost_at.pop(purchase_id, None)
            else:
                self._lost_at[purchase_id] = lost_at

    def seen_at(self, invoice: Invoice, truth: Truth, ledger: Ledger) -> list[int]:
        """When its payments were first seen: as fixed earlier, else as written now, which ``check`` checks."""
        written = {**ledger.seen, **self._seen_at}
        return [written[reference] for reference in truth.references(invoice) if reference in written]

    def _check_sight(self, reference: str, written: int | None, now: float) -> list[str]:
        kept = self._seen_at.get(reference)
        if written is None or written == kept:
            return []  # that it is missing is said elsewhere
        if kept is None and self.clock.showed(written, self._unseen.get(reference, self.began), now):
            return []
        return [f"payment {reference} was first seen at {written}; known: {kept or 'never at that time'}"]

    def _check_loss(self, purchase_id: str, ledger: Ledger, now: float) -> list[str]:
        lost_at = ledger.grants.get(purchase_id, (0, None))[1]
        if lost_at is None or lost_at == self._lost_at.get(purchase_id):
            return []
        since = self._intact.get(purchase_id, self._unpaid.get(purchase_id, self.began))
        return (
            []
            if self.clock.showed(lost_at, since, now)
            else [f"{purchase_id} was lost at {lost_at}: too early or late"]
        )
