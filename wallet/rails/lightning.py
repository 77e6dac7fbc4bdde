"""The Lightning rail: each seller's own wallet is asked for invoices, and whether they were paid.

What the wallet gives is decoded and checked here (BOLT11): it may be wrong, or lie.  Its reports are never believed
about an amount: when our payment hash is settled, what the invoice asks for was paid.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog

from bitcache.chain_errors import WalletMisbehaved, WalletRefused
from bitcache.errors import BitcacheError, RailUnavailable
from bitcache.money import Sat
from bitcache.payment_rail import AwaitedRequest, Destination, PaymentRecorder, PreparedRequest, RequestOrder
from bitcache.payments import IncomingPayment
from wallet.lightning.bolt11_invoice import check, decode
from wallet.lightning.lightning_wallet import LightningWallet
from wallet.rails.lookup_schedule import LookupSchedule
from wallet.rails.wallet_health import WalletHealth

#: An invoice that would close sooner is no use to a buyer (seconds).
SHORTEST_EXPIRY = 60
#: The longest that a wallet may let an invoice live which cannot be told when to end it (seconds).
LONGEST_LIFE = 86_400
#: So often, at least, what may be paid is read again, and written down up to when payments are known (seconds).
SWEEP_SECONDS = 15
#: After an invoice was made, what may be paid is read more often, for so long (seconds).
FRESH_SECONDS, FRESH_SWEEP_SECONDS = 10, 1
PAUSE_SECONDS = 0.5
PREIMAGE_SIZE = 32

log = structlog.get_logger("wallet.rails.lightning")


class ConnectedWallets(Protocol):
    """The wallets that sellers connected, and how they are."""

    records: WalletHealth

    async def of(self, scope: str) -> LightningWallet:
        """Return the wallet of a scope; raise NotFound, WrongKey."""
        ...

    async def release(self, scope: str) -> None:
        """Close the wallet of a scope until it is asked for again."""
        ...


class LightningRail:
    """Payment requests are BOLT11 invoices; their match key and their payments' reference is the payment hash."""

    name = "lightning"
    scope: str | None = None
    sees_unconfirmed = False
    minimum = 1

    def __init__(self, network: str, wallets: ConnectedWallets, clock: Callable[[], int]) -> None:
        self.network, self.health = network, wallets.records
        self._wallets, self._clock = wallets, clock
        self._made_at: dict[str, int] = {}

    def uri(self, destination: str, amount: Sat) -> str:
        """Return what a wallet scans; in capitals a QR code is smaller."""
        return f"lightning:{destination}".upper()

    def reference_text(self, reference: str) -> str:
        """Return the payment hash."""
        return reference

    def watch(self, match_key: bytes) -> None:
        """Do nothing: :meth:`follow` reads what may be paid."""

    async def prepare(self, order: RequestOrder) -> PreparedRequest:
        """Return an invoice of the seller's wallet for exactly what is due; raise RailUnavailable with the reason."""
        now = self._clock()
        if self.health.rests(order.scope, now):
            raise RailUnavailable("the seller's Lightning wallet does not answer")
        try:
            wallet = await self._wallets.of(order.scope)
            made = await wallet.make_invoice(
                order.due, expiry_seconds=max(order.expires_at - now, SHORTEST_EXPIRY), description="Bitcache"
            )
            invoice = decode(made.text)
            latest = order.expires_at if wallet.keeps_expiry else now + LONGEST_LIFE
            ends = check(invoice, network=self.network, amount=order.due, now=now, latest_expiry=latest)
        except BitcacheError as error:
            self.health.failed(order.scope, now)
            raise RailUnavailable(f"the seller's Lightning wallet gave no usable invoice: {error}") from error
        except asyncio.CancelledError:  # the time limit: who does not answer is not asked again at once
            self.health.failed(order.scope, now)
            raise
        self.health.answered(order.scope, now, invoices=1)
        self._made_at[order.scope] = self._clock()
        return PreparedRequest(Destination(invoice.payment_hash, invoice.text), ends, order.due, made.status_url)

    def receipt(self, destination: str, proof: bytes) -> IncomingPayment | None:
        """Return the payment that this preimage proves; None: it is not this invoice's."""
        invoice = decode(destination)
        if len(proof) != PREIMAGE_SIZE or hashlib.sha256(proof).digest() != invoice.payment_hash:
            return None
        return _payment_of(destination)

    async def follow(self, scope: str, recorder: PaymentRecorder) -> None:
        """Report what comes in to one wallet, until cancelled; raise RailUnavailable when it does not answer."""
        wallet = await self._wallets.of(scope)
        schedule = LookupSchedule()
        hints = asyncio.create_task(_take_hints(wallet, schedule))
        try:
            await self._look_up_for_ever(scope, wallet, schedule, recorder)
        except asyncio.CancelledError:  # nobody uses this connection any more
            await self._wallets.release(scope)
            raise
        finally:
            hints.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await hints

    async def _look_up_for_ever(
        self, scope: str, wallet: LightningWallet, schedule: LookupSchedule, recorder: PaymentRecorder
    ) -> None:
        swept = written = 0
        ends = _InvoiceEnds()
        while True:
            now = self._clock()
            fresh = abs(now - self._made_at.get(scope, 0)) < FRESH_SECONDS
            if abs(now - swept) >= (FRESH_SWEEP_SECONDS if fresh else SWEEP_SECONDS):
                awaited = await recorder.awaited()
                schedule.update(awaited if wallet.keeps_expiry else await asyncio.to_thread(ends.prolong, awaited))
                swept = now
            request = schedule.next(now)
            if request is not None:
                await self._look_up(scope, wallet, request, schedule, recorder)
            until = schedule.known_until(now)
            if abs(until - written) >= SWEEP_SECONDS:
                await recorder.known_until(until)
                written = until
            if request is None:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _look_up(
        self,
        scope: str,
        wallet: LightningWallet,
        request: AwaitedRequest,
        schedule: LookupSchedule,
        recorder: PaymentRecorder,
    ) -> None:
        now = self._clock()
        try:
            seen = await wallet.look_up(decode(request.destination), request.status_url)
        except (WalletRefused, WalletMisbehaved) as error:  # of this invoice; it must not hide the others
            self.health.refused(scope)
            if schedule.passed_over(request.match_key, now):  # the first of a row: say it once
                log.warning("lookup_failed", scope=scope, code=error.code, reason=str(error), hint=error.advice)
            return
        except BitcacheError as error:
            self.health.failed(scope, now)
            raise RailUnavailable(f"the wallet does not say what was paid: {error}") from error
        self.health.answered(scope, now, lookups=1)
        if seen.state == "settled":
            await recorder.record([_payment_of(request.destination)])
        schedule.looked(request.match_key, now)


class _InvoiceEnds:
    """When invoices end, each decoded once: verifying a signature takes a millisecond, and many are open."""

    def __init__(self) -> None:
        self._ends: dict[bytes, int] = {}

    def prolong(self, awaited: Sequence[AwaitedRequest]) -> list[AwaitedRequest]:
        """Return the requests, awaited for as long as they can be paid: perhaps longer than the purchase is open."""
        self._ends = {
            request.match_key: self._ends.get(request.match_key) or decode(request.destination).expires_at
            for request in awaited
        }
        return [
            replace(request, expires_at=max(request.expires_at, self._ends[request.match_key])) for request in awaited
        ]


def _payment_of(destination: str) -> IncomingPayment:
    """Return the payment of all that an invoice asks for."""
    invoice = decode(destination)
    assert invoice.amount_msat is not None  # it was checked when it was made
    return IncomingPayment(invoice.payment_hash.hex(), invoice.payment_hash, Sat(invoice.amount_msat // 1000))


async def _take_hints(wallet: LightningWallet, schedule: LookupSchedule) -> None:
    async for payment_hash in wallet.hints():
        schedule.hint(payment_hash)
