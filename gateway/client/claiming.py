"""Which purchase to go on with: the best one that is remembered, a recovery link's, or a fresh one.

Whoever made a link may hold its claim's invoice: who pays that pays for another's claim.  So a link's claim counts
only once it is paid, or paid in part and the buyer chose to pay the rest; it is never stored (foreign.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bitcache.errors import ClaimMismatch, NotFound, WorkRequired
from bitcache.identifiers import b64u, claim_hash
from gateway.api.models import Transfer
from gateway.client.bill import Bill
from gateway.client.errors import GatewayUnreachable, PaidInPart
from gateway.client.foreign import Verdict, verdict_on
from gateway.client.goods import Goods
from gateway.client.http import Backoff, GatewayClient
from gateway.client.purchases import Purchases
from gateway.client.working import work

#: Others ask meanwhile, so the first solution may not be enough any more.
WORK_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Purchase:
    """A claim, its transfer as it was first seen in this run, and what later answers are held to."""

    claim: str = field(repr=False)
    transfer: Transfer
    bill: Bill


async def find(
    gateway: GatewayClient, goods: Goods, purchases: Purchases, *, pay_rest: bool = False
) -> Purchase | None:
    """Among what the link and earlier runs know, the one nearest to its end; None if there is nothing to go on with.

    Raises DishonestGateway; PaidInPart for a link's purchase that lacks money, unless one of our own has some, or
    the buyer chose to ``pay_rest``.
    """
    found = [await _look_up(gateway, goods, purchases, claim) for claim in purchases.claims]
    going = [one for one in found if one and (one.transfer.state != "expired" or one.transfer.received_sat)]
    if goods.link.claim is not None and goods.link.claim not in purchases.claims:
        has_money = any(one.transfer.received_sat for one in going)
        of_link = await _of_link(gateway, goods, goods.link.claim, pay_rest=pay_rest, insist=not has_money)
        going += [of_link] if of_link else []
    return max(going, key=lambda one: _nearness(one.transfer), default=None)


async def begin(
    gateway: GatewayClient, goods: Goods, purchases: Purchases, note: Callable[[str], None] = lambda _: None
) -> Purchase:
    """A new one; its claim is on disk before the gateway hears of it.

    Where the gateway asks for proof of work, it is done; ``note`` hears of it when that takes a while.
    """
    claim = purchases.new_claim()
    backoff, rounds = Backoff(15), 0
    body: dict[str, Any] = {"claim_hash": b64u(claim_hash(claim))}
    while True:
        try:
            transfer = await gateway.call(Transfer, "POST", f"/files/{goods.link.file_id}/transfers", json=body)
            return _checked(goods, purchases, claim, transfer)
        except GatewayUnreachable as error:
            await backoff.wait(error)
        except WorkRequired as error:
            rounds += 1
            if rounds > WORK_ROUNDS:
                raise
            body["proof_of_work"] = await work(error, note)


async def _look_up(gateway: GatewayClient, goods: Goods, purchases: Purchases, claim: str) -> Purchase | None:
    transfer = await _claimed(gateway, claim)
    return None if transfer is None else _checked(goods, purchases, claim, transfer)


async def _of_link(
    gateway: GatewayClient, goods: Goods, claim: str, *, pay_rest: bool, insist: bool
) -> Purchase | None:
    transfer = await _claimed(gateway, claim)
    if transfer is None or transfer.file_id != goods.link.file_id:
        return None
    purchase, verdict = Purchase(claim, transfer, Bill.of(goods).fixed(transfer)), verdict_on(transfer)
    if verdict == "take" or (verdict == "part" and pay_rest):
        return purchase
    if verdict == "leave" or not insist:
        return None
    raise _paid_in_part(transfer, verdict)


def _paid_in_part(transfer: Transfer, verdict: Verdict) -> PaidInPart:
    received = (
        f"{transfer.received_sat} of {transfer.amount_sat} sat were received for the purchase of this private link"
    )
    if verdict == "wait":
        return PaidInPart(f"{received}, and are not confirmed yet", hint="Run the same command again when they are.")
    return PaidInPart(received)


async def _claimed(gateway: GatewayClient, claim: str) -> Transfer | None:
    """The claim's transfer; None if the gateway never heard of it."""
    try:
        return await gateway.call(Transfer, "GET", "/claim", bearer=claim)
    except (ClaimMismatch, NotFound):
        return None


def _checked(goods: Goods, purchases: Purchases, claim: str, transfer: Transfer) -> Purchase:
    """One of our own: held to what the gateway first said of it, in whichever run."""
    bill = Bill.of(goods, *purchases.first.get(claim, ())).fixed(transfer)
    purchases.note(claim, transfer.transfer_id, transfer.address)
    return Purchase(claim, transfer, bill)


def _nearness(transfer: Transfer) -> tuple[bool, bool, int]:
    return transfer.released, transfer.state == "processing", transfer.received_sat
