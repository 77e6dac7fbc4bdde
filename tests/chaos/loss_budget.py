"""The loss budget, used up to its last satoshi: what fits is released when it is seen, the rest waits for a block."""

from __future__ import annotations

import dataclasses
import time
from random import Random

from bitcache.identifiers import b64u
from chaos import ledger_file, seller_and_buyers
from chaos.coins import spend
from chaos.environment import Environment, Violation
from chaos.reference import Invoice, Truth

FIT = 2
LONGEST = 60.0


def use_up(environment: Environment, rng: Random) -> str:
    """With room for exactly two more, three are paid at once: two are released, the third waits for a block.

    Only after a checkpoint: what is at risk already must be known.
    """
    price = min(seller_and_buyers.PRICES)
    file = environment.files[list(seller_and_buyers.PRICES).index(price)]
    budget = at_risk(environment, environment.look()) + FIT * price
    _restart(environment, budget)
    invoices = _order(environment, [(file, b64u(rng.randbytes(32))) for _ in range(FIT + 1)])
    if [invoice.confirmations for invoice in invoices] != [0] * (FIT + 1):
        raise Violation(f"there is room for each of {invoices}, and not each is promised release at once")
    made = spend([environment.node.take()], [environment.output(invoice, price) for invoice in invoices], 3_000)
    environment.node.send(made)
    environment.sent[made.txid] = made
    environment.look()
    for waits in _wait_for_two(environment, invoices):
        environment.invoices[environment.invoices.index(waits)] = dataclasses.replace(waits, confirmations=1)
    _restart(environment, seller_and_buyers.ENDLESS_SAT)
    environment.counts["loss budget used up exactly"] += 1
    return f"budget {budget} sat: {FIT} of {FIT + 1} released"


def at_risk(environment: Environment, truth: Truth) -> int:
    """Satoshis that were released and that no block holds."""
    released = ledger_file.read(environment.database).grants
    return sum(
        max(0, invoice.amount - truth.in_blocks(invoice))
        for invoice in environment.invoices
        if invoice.purchase_id in released
    )


def _order(environment: Environment, wanted: list[tuple[str, str]]) -> list[Invoice]:
    """An invoice for each; a gateway that has just started sells nothing before it has caught up."""
    before, deadline = len(environment.invoices), time.monotonic() + LONGEST
    environment.begin_purchases(wanted)
    while environment.unanswered:
        if time.monotonic() > deadline:
            raise Violation(f"{len(environment.unanswered)} purchases wait; see {environment.gateway.log}")
        time.sleep(0.1)
        environment.ask_again()
    return environment.invoices[before:]


def _wait_for_two(environment: Environment, invoices: list[Invoice]) -> list[Invoice]:
    """The ones that are not released, once each of them is decided."""
    deadline = time.monotonic() + LONGEST
    while True:
        rows = ledger_file.read(environment.database).invoices
        states = {
            invoice: (rows[invoice.purchase_id].state, rows[invoice.purchase_id].required_confirmations)
            for invoice in invoices
        }
        waiting = [invoice for invoice, state in states.items() if state == ("processing", 1)]
        released = [invoice for invoice, state in states.items() if state == ("settled", 0)]
        if len(waiting) + len(released) == len(invoices) and len(released) == FIT:
            return waiting
        if time.monotonic() > deadline or len(waiting) > 1 or len(released) > FIT:
            raise Violation(f"{FIT} of these fit into the loss budget: {list(states.values())}")
        time.sleep(0.05)


def _restart(environment: Environment, budget: int) -> None:
    """In order, with another budget."""
    environment.set_loss_budget(budget)
    environment.gateway.stop()
    environment.start_gateway()
    environment.gateway.wait_until_up()
