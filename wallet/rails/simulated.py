"""A wallet service that exists in this process alone: a second rail for demonstrations and tests.

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

#: Without news, the time up to which all is known is told so often (seconds).
IDLE_SECONDS = 0.5


class SimulatedRail:
    """The rail, and the wallet behind it; ``pay``, ``confirm`` and ``cancel`` are its buyers."""

    sees_unconfirmed = True

    def __init__(
        self, clock: Callable[[], int], name: str = "simulated", *, minimum: int = 1, lifetime: int = 600
    ) -> None:
        """``minimum``: the least that it carries (sat); ``lifetime``: seconds after which its requests close."""
        self.name, self.scope, self.minimum = name, f"wallet:{name}", minimum
        #: while it is down, nothing is prepared and nothing reported
        self.down = False
        #: seconds until it answers
        self.delay = 0.0
        self._clock, self._lifetime = clock, lifetime
        self._payments: dict[str, IncomingPayment] = {}
        self._cancelled: set[str] = set()
        self._changed = asyncio.Event()

    def uri(self, destination: str, amount: Sat) -> str:
        """Return destination and satoshis."""
        return f"simulated:{destination}?sat={int(amount)}"

    def reference_text(self, reference: str) -> str:
        """Return it as it is."""
        return reference

    def watch(self, match_key: bytes) -> None:
        """Do nothing: the wallet reports whatever comes in."""

    async def prepare(self, order: RequestOrder) -> PreparedRequest:
        """Return a destination of its own; raise RailUnavailable while it is down."""
        await asyncio.sleep(self.delay)
        if self.down:
            raise RailUnavailable("the wallet does not answer")
        destination = secrets.token_hex(16)
        return PreparedRequest(
            Destination(_key(destination), destination), min(order.expires_at, self._clock() + self._lifetime)
        )

    async def follow(self, recorder: PaymentRecorder) -> None:
        """Report everything, again and again; raise RailUnavailable when it goes down."""
        while not self.down:
            self._changed.clear()
            until = self._clock()
            await recorder.record([*self._payments.values()])
            await recorder.withdraw(sorted(self._cancelled))
            await recorder.known_until(until)
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue
        raise RailUnavailable("the connection to the wallet is lost")

    def pay(self, destination: str, amount: Sat, *, final: bool = True) -> str:
        """Pay to a destination; return the payment's reference."""
        reference = secrets.token_hex(16)
        self._put(IncomingPayment(reference, _key(destination), amount, final))
        return reference

    def confirm(self, reference: str) -> None:
        """Make a payment final."""
        paid = self._payments[reference]
        self._put(IncomingPayment(reference, paid.match_key, paid.amount, final=True))

    def cancel(self, reference: str) -> None:
        """Take back a payment that is not final."""
        if not self._payments[reference].final:
            del self._payments[reference]
            self._cancelled.add(reference)
            self._changed.set()

    def go_down(self) -> None:
        """Answer nothing from now on."""
        self.down = True
        self._changed.set()

    def _put(self, paid: IncomingPayment) -> None:
        self._payments[paid.reference] = paid
        self._changed.set()


def _key(destination: str) -> bytes:
    return hashlib.sha256(b"bitcache/v1 simulated rail" + destination.encode()).digest()
