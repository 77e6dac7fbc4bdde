"""The gateway compared with the reference."""

from __future__ import annotations

import sqlite3
import time
from random import Random

from chaos import ledger_file, seller_and_buyers
from chaos.environment import Environment, Violation
from chaos.gateway import Unreachable
from chaos.ledger_file import Ledger
from chaos.reference import Invoice, Paid, Truth, with_absent
from chaos.timings import STALE, Timings

#: The gateway looks every ten seconds at the latest, so this long after it is in step all must be equal …
PATIENCE = 20.0
#: … and it must be in step by now: it tries again every ten seconds.
LONGEST = 60.0
SAMPLE = 25


def check(environment: Environment, rng: Random, *, final: bool = False) -> float:
    """Let everything work again, wait until the ledger is equal, ask as buyers do; the seconds it took."""
    began = time.monotonic()
    _repair(environment)
    in_step: float | None = None
    while problems := _problems(environment):
        now = time.monotonic()
        in_step = in_step or (now if _in_step(environment) else None)
        if now - began > LONGEST or (in_step is not None and now - in_step > PATIENCE):
            raise Violation("\n".join(problems[:20]))
        environment.mind_the_gateway()
        time.sleep(0.1)
    environment.timings.keep(ledger_file.read(environment.database))
    _ask_as_buyers(environment, environment.invoices if final else _some(environment, rng))
    return time.monotonic() - began


def peek(environment: Environment, rng: Random) -> str | None:
    """In the middle of everything: nobody is released whom the reference never saw fully confirmed."""
    try:
        ledger = ledger_file.read(environment.database)
    except sqlite3.Error:
        return None
    _check_grants(environment, ledger)
    environment.counts["looks at the grants in between"] += 1
    return None


def _repair(environment: Environment) -> None:
    environment.proxy.restore()
    environment.wallet.service.set_down(False)
    environment.lightning.start()
    if environment.disk.is_full:
        environment.disk.empty(None if environment.gateway.ended_with() is not None else environment.gateway.pid)
    deadline = time.monotonic() + LONGEST
    while not environment.gateway.answers() or environment.unanswered:
        if time.monotonic() > deadline:
            waiting = len(environment.unanswered)
            raise Violation(f"the gateway does not answer, {waiting} purchases wait; {environment.gateway.log}")
        environment.mind_the_gateway()
        if environment.gateway.answers():
            environment.ask_again()
        time.sleep(0.05)


def _in_step(environment: Environment) -> bool:
    try:
        answer = environment.gateway.ask("GET", "/healthz")
    except Unreachable:
        return False
    if answer.status not in (200, 503):
        raise Violation(f"/healthz answers {answer.status} {answer.json}")
    node = answer.json["node"]
    if not node["ok"] or node["watched_height"] != environment.node.height:
        return False
    ledger = ledger_file.read(environment.database)
    return environment.clock.showed(ledger.lightning_until, time.time() - STALE, time.time())


def _problems(environment: Environment) -> list[str]:
    """What differs now; raises Violation for what time cannot heal."""
    truth = environment.look()
    ledger = ledger_file.read(environment.database)
    _check_grants(environment, ledger)
    present = {payment.reference for payments in truth.paid.values() for payment in payments}
    absent = [
        reference for reference in _out_of_sight(environment, present, ledger) if reference.reference not in present
    ]
    return compare(environment.invoices, with_absent(truth, absent), ledger, environment.timings)


def _out_of_sight(environment: Environment, present: set[str], ledger: Ledger) -> list[Paid]:
    """What the gateway says that it saw, or had at the last checkpoint: was sent, and nothing else spends its coins."""
    shown = {txid for txid, _, _ in (name.partition(":") for name in present)}
    owned = {invoice.script for invoice in environment.invoices}
    return [
        Paid(reference, output.script.hex(), output.sat, None, None, False, absent=True)
        for reference in sorted((ledger.waiting.keys() | environment.timings.waited) - present)
        for txid, _, number in [reference.partition(":")]
        if txid in environment.sent and _may_come_back(environment, txid, shown)
        for output in environment.sent[txid].outputs[int(number) : int(number) + 1]
        if output.script.hex() in owned
    ]


def _may_come_back(environment: Environment, txid: str, shown: set[str]) -> bool:
    """Every coin that it spends is there, or made by a payment that is out of sight itself, and may come back."""
    return all(
        environment.node.unspent(coin)
        or (coin.txid not in shown and coin.txid in environment.sent and _may_come_back(environment, coin.txid, shown))
        for coin in environment.sent[txid].coins
    )


def compare(invoices: list[Invoice], truth: Truth, ledger: Ledger, timings: Timings) -> list[str]:
    """Every difference between what is true and what is written."""
    problems = []
    if ledger.tip != (truth.tip.height, truth.tip.hash):
        problems.append(f"cursor {ledger.tip} is not the tip {truth.tip.height, truth.tip.hash}")
    if ledger.invoices.keys() != {invoice.purchase_id for invoice in invoices}:
        problems.append("the invoices are not those that buyers were shown")
    in_blocks, waiting = {}, {}
    for invoice in invoices:
        for payment in truth.of(invoice.script):
            if payment.height is None:
                waiting[payment.reference] = (invoice.purchase_id, payment.sat)
            else:
                in_blocks[payment.reference] = (
                    invoice.purchase_id,
                    payment.sat,
                    payment.height,
                    payment.block,
                    payment.coinbase,
                )
    problems += _differences("in a block", in_blocks, ledger.in_blocks)
    problems += _differences("waiting", waiting, ledger.waiting)
    in_wallet = {
        payment.reference: (purchase_id, payment.sat, payment.final)
        for purchase_id, payments in truth.in_wallet.items()
        for payment in payments
    }
    problems += _differences("in the wallet", in_wallet, ledger.in_wallet)
    if ledger.preparing:
        problems.append(f"{ledger.preparing} payment requests are neither ready nor unavailable")
    for invoice in invoices:
        problems += compare_invoice(invoice, truth, ledger, timings.seen_at(invoice, truth, ledger))
    problems += timings.check(invoices, truth, ledger)
    if ledger.undelivered:
        problems.append(f"{ledger.undelivered} events are still to be told")
    return problems


def compare_invoice(invoice: Invoice, truth: Truth, ledger: Ledger, seen: list[int]) -> list[str]:
    """Terms, sums, state, marks and grant of one invoice, whose payments were first ``seen`` at these times."""
    row, name = ledger.invoices.get(invoice.purchase_id), invoice.purchase_id
    if row is None:
        return [f"{name} is not in the ledger"]
    grant = ledger.grants.get(name)
    state = truth.state(invoice, released=grant is not None, known_until=ledger.until(name))
    late = {"paid_late"} if any(seen_at > invoice.expires_at for seen_at in seen) else set()
    expected = {
        "script": (invoice.script, row.script),
        "amount": (invoice.amount, row.amount),
        "confirmations asked for": (invoice.confirmations, row.required_confirmations),
        "confirmations": (truth.confirmations(invoice), row.confirmations),
        "expiry": (invoice.expires_at, row.expires_at),
        "received": (truth.received(invoice), row.received),
        "confirmed": (truth.confirmed(invoice), row.confirmed),
        "state": (state, row.state),
        "marks": (truth.marks(invoice) | late, set(row.marks)),
        "first seen": (min(seen, default=None), row.seen_at),
        "settled": (grant and grant[0], row.settled_at),
        "loss": (state == "invalid", grant is not None and grant[1] is not None),
        "grant": (state in ("settled", "invalid"), grant is not None),
    }
    return [
        f"{name} {what}: {true!r}, but {said!r} is written" for what, (true, said) in expected.items() if true != said
    ]


def _differences(what: str, true: dict[str, tuple], said: dict[str, tuple]) -> list[str]:  # type: ignore[type-arg]
    missing = [f"payment {key} {true[key]} {what} is missing" for key in sorted(true.keys() - said.keys())]
    extra = [f"payment {key} {said[key]} {what} does not exist" for key in sorted(said.keys() - true.keys())]
    common = sorted(true.keys() & said.keys())
    return missing + extra + [f"payment {key}: {true[key]} != {said[key]}" for key in common if true[key] != said[key]]


def _check_grants(environment: Environment, ledger: Ledger) -> None:
    """Released once, for ever, and only what was fully confirmed at some moment."""
    for purchase_id, granted_at in environment.granted.items():
        if purchase_id not in ledger.grants:
            raise Violation(f"{purchase_id} was released, and the grant is gone")
        if ledger.grants[purchase_id][0] != granted_at:
            raise Violation(f"{purchase_id} was released twice")
    for purchase_id, (granted_at, _) in ledger.grants.items():
        if purchase_id not in environment.ever_confirmed:
            raise Violation(f"{purchase_id} was released, but never fully confirmed")
        if purchase_id not in environment.granted and not environment.timings.granted_rightly(purchase_id, granted_at):
            raise Violation(f"{purchase_id} was released at {granted_at}, a time at which it was not paid for")
        environment.granted[purchase_id] = granted_at


def _some(environment: Environment, rng: Random) -> list[Invoice]:
    return rng.sample(environment.invoices, min(SAMPLE, len(environment.invoices)))


def _ask_as_buyers(environment: Environment, invoices: list[Invoice]) -> None:
    """What buyers are told; looked at again when it differs, because an invoice may expire in between."""
    ledger = ledger_file.read(environment.database)
    for invoice in invoices:
        for last in (False, False, True):
            told = _ask_as_buyer(environment, invoice, ledger)
            if not told:
                break
            if last:
                raise Violation(f"{invoice.purchase_id}: {told}")
            ledger = ledger_file.read(environment.database)


def _ask_as_buyer(environment: Environment, invoice: Invoice, ledger: Ledger) -> str:
    """The state that the API shows, and the share: to whoever paid, and to nobody else.  Empty: all right."""
    row, released = ledger.invoices[invoice.purchase_id], invoice.purchase_id in ledger.grants
    shown = environment.gateway.ask("GET", f"/api/v1/purchases/{invoice.purchase_id}").json
    said = (shown["state"], shown["received_sat"], shown["confirmed_sat"], shown["released"])
    if said != (row.state, row.received, row.confirmed, released):
        return f"the API says {said}, the ledger {row}"
    answer = environment.gateway.ask("GET", "/api/v1/share", bearer=invoice.claim)
    if answer.status != (200 if released else 402):
        return f"released is {released}, and the share answers {answer.status}"
    if released and seller_and_buyers.hash_of_share(answer.json["share"]) != environment.share_hashes[invoice.file_id]:
        return "a wrong share was handed out"
    return ""
