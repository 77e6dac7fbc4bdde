"""Events on Lightning: payments with and without a notification, notifications without a payment, and silence."""

from __future__ import annotations

import sqlite3
import time
from random import Random
from typing import TYPE_CHECKING, Any

from bitcache.chain_errors import WalletRefused
from chaos import ledger_file
from chaos.environment import Violation
from chaos.gateway import Unreachable
from chaos.reference import Invoice
from wallet.lightning.bolt11_invoice import decode

if TYPE_CHECKING:
    from chaos.environment import Environment

RECENT = 15
HOWS = ("once", "once", "twice", "replay", None, None)
#: A gateway that takes silence for news does so when its first question finds no answer (seconds).
SILENCE = 3.0


def pay(environment: Environment, rng: Random) -> str | None:
    """Whether it is notified once, twice, among older notifications, or never."""
    return _pay(environment, rng, _pick(environment, rng), rng.choice(HOWS))


def pay_after_a_part(environment: Environment, rng: Random) -> str | None:
    """The rest of what a block or the mempool holds a part of, or all of it once more."""
    truth = environment.look()
    partly = [invoice for invoice in environment.invoices if truth.of(invoice.script)][-RECENT:]
    return _pay(environment, rng, rng.choice(partly), rng.choice(HOWS)) if partly else None


def pay_in_silence(environment: Environment, rng: Random) -> str | None:
    """Relay or wallet is killed between the invoice and its payment, and comes back: nobody notifies."""
    invoice = _pick(environment, rng)
    request = _request(environment, invoice)
    if invoice is None or request is None:
        return None
    (environment.lightning.kill_relay if rng.random() < 0.5 else environment.lightning.kill_service)()
    said = _paid(environment, invoice, request, None)
    environment.lightning.start()
    return said


def show_receipt(environment: Environment, rng: Random) -> str | None:
    """The wallet is away; the buyer shows the preimage with the claim, and first a wrong one."""
    invoice = _pick(environment, rng)
    request = _request(environment, invoice)
    if invoice is None or request is None:
        return None
    try:
        preimage = environment.lightning.pay(invoice.purchase_id, request, None)
    except WalletRefused:
        return None
    environment.look()
    path = f"/api/v1/purchases/{invoice.purchase_id}/receipt"
    try:
        wrong = environment.gateway.ask("POST", path, {"preimage": rng.randbytes(32).hex()}, invoice.claim, timeout=2)
        right = environment.gateway.ask("POST", path, {"preimage": preimage.hex()}, invoice.claim, timeout=2)
    except Unreachable:
        return f"{invoice.purchase_id} is paid, its receipt not answered"
    if wrong.status in (200, 201) or right.status not in (200, 429, 503, 507):
        raise Violation(f"receipts of {invoice.purchase_id}: wrong {wrong.status}, right {right.status} {right.json}")
    return f"{invoice.purchase_id} shows a receipt: {right.status}"


def mislead(environment: Environment, rng: Random) -> str | None:
    """A payment is notified that was never made: by the wallet itself, or in its name by somebody else."""
    request = _request(environment, _pick(environment, rng))
    if request is None:
        return None
    how = rng.choice(("once", "forged", "twice"))
    environment.lightning.say(decode(request).payment_hash, how)
    return how


def report_as_failed(environment: Environment, rng: Random) -> str | None:
    """What the wallet called settled, and the gateway wrote down, it calls failed the next time."""
    invoice = _pick(environment, rng)
    said = _pay(environment, rng, invoice, "once")
    if said is None or invoice is None:
        return None
    ours = {payment.reference for payment in environment.lightning.payments().get(invoice.purchase_id, [])}
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if known := ours & _in_wallet(environment):
            for reference in known:
                environment.lightning.report_as_failed(bytes.fromhex(reference))
                environment.lightning.say(bytes.fromhex(reference), "once")
            return f"{said}; failed, they say"
    return said


def kill_the_relay(environment: Environment, rng: Random) -> str | None:
    """Until it comes back."""
    environment.lightning.kill_relay()
    return "killed"


def kill_the_wallet(environment: Environment, rng: Random) -> str | None:
    """Until it comes back."""
    environment.lightning.kill_service()
    return "killed"


def come_back(environment: Environment, rng: Random) -> str | None:
    """Relay and wallet run again."""
    if environment.lightning.is_up:
        return None
    environment.lightning.start()
    return "up"


def outlive_invoices(environment: Environment, rng: Random) -> str | None:
    """The wallet is silent while invoices end: none expires that was payable there, though their time is up."""
    environment.lightning.kill_service()
    before = _ready(environment)
    if before is None or before.lightning_until > environment.clock.now():  # its clock was set back just now
        return None
    environment.clock.set(environment.clock.offset + 130)
    open_before = {
        name for name, row in before.invoices.items() if row.state == "new" and name in before.lightning_ready
    }
    time.sleep(SILENCE)
    after = _ready(environment)
    environment.lightning.start()
    if after is None:
        return None
    _none_expired(environment, open_before, after)
    return f"{len(open_before)} stayed open"


def _none_expired(environment: Environment, open_before: set[str], after: ledger_file.Ledger) -> None:
    """An invoice that ended in the silence, and was not known to be unpaid before, must be open."""
    for name in open_before:
        row = after.invoices[name]
        if row.state == "expired" and row.expires_at > environment.clock.now() - 130:
            raise Violation(f"{name} has expired while nobody could know whether it was paid in the Lightning wallet")


def _ready(environment: Environment) -> ledger_file.Ledger | None:
    try:
        return ledger_file.read(environment.database)
    except sqlite3.Error:
        return None


def _in_wallet(environment: Environment) -> set[str]:
    ledger = _ready(environment)
    return set(ledger.in_wallet) if ledger is not None else set()


def _pay(environment: Environment, rng: Random, invoice: Invoice | None, how: str | None) -> str | None:
    request = _request(environment, invoice)
    return None if invoice is None or request is None else _paid(environment, invoice, request, how)


def _paid(environment: Environment, invoice: Invoice, request: str, how: str | None) -> str | None:
    try:
        environment.lightning.pay(invoice.purchase_id, request, how)
    except WalletRefused as refusal:
        return f"{invoice.purchase_id}: {refusal}"
    environment.counts["Lightning payments"] += 1
    return f"pays {invoice.purchase_id}, notified {how}"


def _pick(environment: Environment, rng: Random) -> Invoice | None:
    return rng.choice(environment.invoices[-RECENT:]) if environment.invoices else None


def _request(environment: Environment, invoice: Invoice | None) -> str | None:
    """The newest Lightning request of it that is ready; asked for anew where there is none to be paid."""
    if invoice is None:
        return None
    path = f"/api/v1/purchases/{invoice.purchase_id}"
    try:
        shown = environment.gateway.ask("GET", path, timeout=2)
        if shown.status != 200:
            return None
        requests: list[Any] = [way for way in shown.json["payment_requests"] if way["rail"] == "lightning"]
        if all(way["unavailable"] or way["expires_at"] < environment.clock.now() for way in requests):
            environment.gateway.ask("POST", f"{path}/payment-requests", {"rail": "lightning"}, invoice.claim, timeout=2)
    except Unreachable:
        return None
    return next((str(way["destination"]) for way in reversed(requests) if way["destination"]), None)
