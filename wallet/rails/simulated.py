"""A second rail, over the simulated wallet service.

It is what a rail over another machine can be at its worst: it answers late, or not at all; a payment may be final at
once, later, or never; and whenever the connection is made anew, everything is reported again.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable

from bitcache.errors import RailUnavailable
from bitcache.money import Sat
from bitcache.payment_rail import Destination, PaymentRecorder, PreparedRequest, RequestOrder
from bitcache.payments import IncomingPayment
from wallet.rails.simulated_wallet_service import SimulatedWallet

#: So often the wallet is asked for news (seconds).
INTERVAL_SECONDS = 0.1


class SimulatedRail:
    """``minimum``: the least that it carries (sat); ``lifetime``: seconds after which its requests close."""

    sees_unconfirmed = True

    def __init__(
        self,
        wallet: SimulatedWallet,
        clock: Callable[[], int],
        name: str = "simulated",
        *,
        minimum: int = 1,
        lifetime: int = 600,
    ) -> None:
        self.name, self.scope, self.minimum = name, f"wallet:{name}", minimum
        #: seconds until it answers
        self.delay = 0.0
        self._wallet, self._clock, self._lifetime = wallet, clock, lifetime

    def uri(self, destination: str, amount: Sat) -> str:
        """Return destination and satoshis."""
        return f"simulated:{destination}?sat={int(amount)}"

    def reference_text(self, reference: str) -> str:
        """Return it as it is."""
        return reference

    def watch(self, match_key: bytes) -> None:
        """Do nothing: the wallet reports whatever comes in."""

    async def prepare(self, order: RequestOrder) -> PreparedRequest:
        """Return a destination of its own; raise RailUnavailable while the wallet is down."""
        await asyncio.sleep(self.delay)
        if self._wallet.read().down:
            raise RailUnavailable("the wallet does not answer")
        destination = secrets.token_hex(16)
        closes = min(order.expires_at, self._clock() + self._lifetime)
        return PreparedRequest(Destination(match_key(destination), destination), closes)

    def receipt(self, destination: str, proof: bytes) -> IncomingPayment | None:
        """Return None: its payments have no proofs."""
        return None

    async def follow(self, scope: str, recorder: PaymentRecorder) -> None:
        """Report everything at first, then what is new; raise RailUnavailable when the wallet goes down."""
        reported: set[IncomingPayment] = set()
        withdrawn: set[str] = set()
        known = -1
        while True:
            until, state = self._clock(), self._wallet.read()
            if state.down:
                raise RailUnavailable("the wallet does not answer")
            received = {
                IncomingPayment(reference, match_key(destination), amount, final)
                for reference, (destination, amount, final) in state.payments.items()
            }
            if news := received - reported:
                await recorder.record(sorted(news, key=lambda payment: payment.reference))
            if gone := state.cancelled - withdrawn:
                await recorder.withdraw(sorted(gone))
            if until != known:
                await recorder.known_until(until)
            reported, withdrawn, known = received, state.cancelled, until
            await asyncio.sleep(INTERVAL_SECONDS)


def match_key(destination: str) -> bytes:
    """Return the key by which a payment to this destination is recognised."""
    return hashlib.sha256(b"bitcache/v1 simulated rail" + destination.encode()).digest()
