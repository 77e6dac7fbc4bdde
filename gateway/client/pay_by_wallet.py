"""Paying a purchase from the buyer's own Lightning wallet: within a budget, and never twice.

What is about to be paid is on disk before the wallet is asked.  When its answer is lost, the payment may be on its
way, for longer than the invoice lives: only that same invoice is ever handed to the wallet again, never another one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from bitcache.chain_errors import WalletRefused
from bitcache.errors import BadInput
from bitcache.money import Sat
from gateway.api.models import Purchase
from gateway.client.errors import GatewayUnreachable, NoLightning, OverBudget, PaymentUnknown
from gateway.client.gateway_client import Backoff, GatewayClient
from gateway.client.invoice_terms import is_paid, lightning_request
from gateway.client.lightning_request import LIGHTNING
from gateway.client.saved_purchases import SavedPurchases


class Payer(Protocol):
    """The buyer's wallet; invoices are BOLT11."""

    def check(self, invoice: str, network: str, due: Sat) -> None:
        """Raise WalletError unless this invoice is sound and asks for exactly what is due."""
        ...

    async def pay(self, invoice: str) -> bytes:
        """Pay and return the preimage; raise WalletRefused when it did not try, another WalletError: nobody knows."""
        ...

    async def preimage_of(self, invoice: str) -> bytes | None:
        """Return the preimage of an invoice that was paid; None: it is not known to have been."""
        ...


@dataclass(frozen=True, slots=True)
class WalletPayment:
    """Who pays, and at most how much for one purchase; what the wallet adds for the network's routing is its own."""

    payer: Payer
    max_sat: Sat


def can_go_on(purchase: Purchase) -> bool:
    """Return whether there is nothing to wait for: it is paid, its Lightning invoice is there, or none will come."""
    requests = [request for request in purchase.payment_requests if request.rail == LIGHTNING]
    coming = any(request.destination is None and request.unavailable is None for request in requests)
    return is_paid(purchase) or lightning_request(purchase, int(time.time())) is not None or not coming


async def show_earlier_payments(gateway: GatewayClient, saved: SavedPurchases, payer: Payer) -> None:
    """Show the gateway what earlier runs paid, as far as the wallet knows of it."""
    for purchase_id, invoice in saved.handed.items():
        claim, preimage = saved.claim_of(purchase_id), await payer.preimage_of(invoice)
        if claim is not None and preimage is not None:
            await _show_receipt(gateway, purchase_id, claim, preimage)


async def pay(
    gateway: GatewayClient, claim: str, purchase: Purchase, saved: SavedPurchases, payment: WalletPayment
) -> None:
    """Pay what is due on a purchase that :func:`can_go_on`, once, and show the receipt.

    Raise OverBudget, NoLightning, PaymentUnknown, WalletError.
    """
    if is_paid(purchase):
        return
    to_pay = lightning_request(purchase, int(time.time()))
    if to_pay is None:
        raise NoLightning
    if to_pay.payable_sat > payment.max_sat:
        raise OverBudget(f"{to_pay.payable_sat} sat are due, more than the {payment.max_sat} that may be paid")
    preimage = await _pay_once(purchase, to_pay.invoice, saved, payment.payer)
    await _show_receipt(gateway, purchase.purchase_id, claim, preimage)


async def _pay_once(purchase: Purchase, invoice: str, saved: SavedPurchases, payer: Payer) -> bytes:
    """Hand this invoice to the wallet, unless another one may be on its way for this file."""
    if saved.handed.items() - {(purchase.purchase_id, invoice)}:
        raise PaymentUnknown
    payer.check(invoice, purchase.network, Sat(purchase.due_sat))
    is_first = saved.handed_to_wallet(purchase.purchase_id, invoice)
    try:
        return await payer.pay(invoice)
    except WalletRefused:
        if is_first:  # else it says nothing of the attempt before
            saved.not_sent(purchase.purchase_id)
        raise


async def _show_receipt(gateway: GatewayClient, purchase_id: str, claim: str, preimage: bytes) -> None:
    backoff, receipt = Backoff(), {"preimage": preimage.hex()}
    while True:
        try:
            async with gateway.open("POST", f"/purchases/{purchase_id}/receipt", bearer=claim, json=receipt):
                return
        except BadInput:  # the seller's wallet will say that it was paid
            return
        except GatewayUnreachable as error:
            await backoff.wait(error)
