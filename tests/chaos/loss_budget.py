"""The loss budget, used up to its last satoshi: what fits is released when it is seen, the rest waits for a block."""

from __future__ import annotations

import dataclasses
import time
from random import Random

from bitcache.identifiers import b64u
from chaos import ledger_file, shop
from chaos.coins import spend
from chaos.reference import Invoice, Truth
from chaos.world import Violation, World

FIT = 2
LONGEST = 60.0


def use_up(world: World, rng: Random) -> str:
    """With room for exactly two more, three are paid at once: two are released, the third waits for a block.

    Only after a checkpoint: what is at risk already must be known.
    """
    price = min(shop.PRICES)
    file = world.files[list(shop.PRICES).index(price)]
    budget = at_risk(world, world.look()) + FIT * price
    _restart(world, budget)
    invoices = _order(world, [(file, b64u(rng.randbytes(32))) for _ in range(FIT + 1)])
    if [invoice.confirmations for invoice in invoices] != [0] * (FIT + 1):
        raise Violation(f"there is room for each of {invoices}, and not each is promised release at once")
    made = spend([world.node.take()], [world.output(invoice, price) for invoice in invoices], 3_000)
    world.node.send(made)
    world.sent[made.txid] = made
    world.look()
    for waits in _wait_for_two(world, invoices):
        world.invoices[world.invoices.index(waits)] = dataclasses.replace(waits, confirmations=1)
    _restart(world, shop.ENDLESS_SAT)
    world.counts["loss budget used up exactly"] += 1
    return f"budget {budget} sat: {FIT} of {FIT + 1} released"


def at_risk(world: World, truth: Truth) -> int:
    """Satoshis that were released and that no block holds."""
    released = ledger_file.read(world.database).grants
    return sum(
        max(0, invoice.amount - truth.in_blocks(invoice))
        for invoice in world.invoices
        if invoice.purchase_id in released
    )


def _order(world: World, wanted: list[tuple[str, str]]) -> list[Invoice]:
    """An invoice for each; a gateway that has just started sells nothing before it has caught up."""
    before, deadline = len(world.invoices), time.monotonic() + LONGEST
    world.begin_purchases(wanted)
    while world.unanswered:
        if time.monotonic() > deadline:
            raise Violation(f"{len(world.unanswered)} purchases wait; see {world.gateway.log}")
        time.sleep(0.1)
        world.ask_again()
    return world.invoices[before:]


def _wait_for_two(world: World, invoices: list[Invoice]) -> list[Invoice]:
    """The ones that are not released, once each of them is decided."""
    deadline = time.monotonic() + LONGEST
    while True:
        rows = ledger_file.read(world.database).invoices
        states = {one: (rows[one.purchase_id].state, rows[one.purchase_id].required_confirmations) for one in invoices}
        waiting = [one for one, found in states.items() if found == ("processing", 1)]
        released = [one for one, found in states.items() if found == ("settled", 0)]
        if len(waiting) + len(released) == len(invoices) and len(released) == FIT:
            return waiting
        if time.monotonic() > deadline or len(waiting) > 1 or len(released) > FIT:
            raise Violation(f"{FIT} of these fit into the loss budget: {list(states.values())}")
        time.sleep(0.05)


def _restart(world: World, budget: int) -> None:
    """In order, with another budget."""
    world.set_loss_budget(budget)
    world.gateway.stop()
    world.start_gateway()
    world.gateway.wait_until_up()
