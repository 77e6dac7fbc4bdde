"""Paying a purchase from the buyer's own Lightning wallet: within a budget, and never twice.

What is about to be paid is on disk before the wallet is asked.  When its answer is lost, the payment may be on its
way, for longer than the invoice lives: only that same invoice is ever handed to the wallet again, never another one.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from bitcache.chain_errors import WalletRefused
from bitcache.money import Sat
from gateway.api.models import Purchase
from gateway.client.errors import NoLightning, OverBudget, PaymentUnknown
from gateway.client.follow_purchase import follow
from gateway.client.gateway_client import GatewayClient
from gateway.client.invoice_terms import LightningRequest, is_paid, lightning_request
from gateway.client.lightning_request import LIGHTNING
from gateway.client.resume import ClaimedPurchase
from gateway.client.saved_purchases import SavedPurchases


class Payer(Protocol):
    """The buyer's wallet."""

    async def pay(self, invoice: str, network: str) -> bytes:
        """Pay a BOLT11 invoice; return the preimage, also of one that was paid before.

        Raise WalletRefused when nothing was sent; any other WalletError leaves it unknown.
        """
        ...


@dataclass(frozen=True, slots=True)
class WalletPayment:
    """Who pays, and at most how much for one purchase; what the wallet adds for the network's routing is its own."""

    payer: Payer
    max_sat: Sat


async def pay(gateway: GatewayClient, claimed: ClaimedPurchase, saved: SavedPurchases, payment: WalletPayment) -> None:
    """Pay what is due, show the receipt; raise OverBudget, NoLightning, PaymentUnknown, WalletError."""
    if claimed.purchase.amount_sat > payment.max_sat:
        raise OverBudget(f"the price is {claimed.purchase.amount_sat} sat, more than --max-sat {payment.max_sat}")
    async with aclosing(follow(gateway, claimed.purchase.purchase_id)) as changes:
        async for purchase in changes:
            claimed.terms.check(purchase)
            if is_paid(purchase):
                return
            to_pay = lightning_request(purchase, int(time.time()))
            if to_pay is not None:
                await _pay(gateway, claimed, saved, payment.payer, to_pay)
                return
            _insist_on_lightning(purchase)


async def _pay(
    gateway: GatewayClient, claimed: ClaimedPurchase, saved: SavedPurchases, payer: Payer, to_pay: LightningRequest
) -> None:
    purchase = claimed.purchase
    if saved.handed.keys() - {purchase.purchase_id}:  # its purchase has closed since
        raise PaymentUnknown
    invoice = saved.handed_to_wallet(purchase.purchase_id, to_pay.invoice)
    try:
        preimage = await payer.pay(invoice, purchase.network)
    except WalletRefused:
        saved.not_sent(purchase.purchase_id)
        raise
    receipt = {"preimage": preimage.hex()}
    path = f"/purchases/{purchase.purchase_id}/receipt"
    async with gateway.open("POST", path, bearer=claimed.claim, json=receipt):
        return


def _insist_on_lightning(purchase: Purchase) -> None:
    """Raise NoLightning when no invoice is there and none is on its way."""
    requests = [request for request in purchase.payment_requests if request.rail == LIGHTNING]
    if not any(request.unavailable is None for request in requests):
        raise NoLightning
