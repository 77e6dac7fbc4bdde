"""A purchase that the buyer's own Lightning wallet pays, by Nostr Wallet Connect: within a budget, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from support.nostr_relay import WalletService, relay_server

from bitcache.chain_errors import WalletRefused, WalletUnreachable
from bitcache.money import Sat
from bitcache.storage.tables import payment_request
from gateway.client.buy_file import FinishedPurchase, buy
from gateway.client.errors import NotPaidInTime, OverBudget, PaymentUnknown
from gateway.client.pay_by_wallet import WalletPayment
from gateway.client.saved_purchases import SavedPurchases
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import look
from gateway.demo.demonstration import Demo
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_payer import NwcPayer
from wallet.lightning.simulated_lightning import SimulatedLightning

BUDGET = Sat(2500)


@dataclass
class Buyer:
    """Somebody with a wallet; ``paid`` by payment hash: what it sent, and how often it was asked to."""

    demo: Demo
    sold: PublishedFile
    folder: Path
    service: WalletService
    seller: SimulatedLightning
    paid: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def pay(self, params: dict[str, Any]) -> dict[str, Any]:
        """Pay by the simulated network."""
        self.asked.append(params["invoice"])
        preimage = self.seller.pay(params["invoice"]).hex()
        self.paid[decode(params["invoice"]).payment_hash.hex()] = preimage
        return {"result": {"preimage": preimage}}

    def look_up(self, params: dict[str, Any]) -> dict[str, Any]:
        """Say whether something was sent."""
        preimage = self.paid.get(params["payment_hash"])
        return {"result": {"preimage": preimage}} if preimage else {"error": {"code": "NOT_FOUND"}}

    async def buy(self, budget: Sat = BUDGET, timeout: float = 30) -> FinishedPurchase:
        """Run the command's inside once."""
        now = self.demo.context.clock
        nwc = NwcConnection(self.service.connection, now, private=True)
        try:
            offer = await look(self.demo.gateway, self.sold.link)
            payment = WalletPayment(NwcPayer(nwc, now, pay_seconds=2.0), budget)
            target, state = self.folder / "out", self.folder / "state"
            return await buy(self.demo.gateway, offer, target, state, timeout=timeout, payment=payment)
        finally:
            await nwc.close()


@pytest.fixture
async def buyer(demo: Demo, sold: PublishedFile, tmp_path: Path) -> AsyncIterator[Buyer]:
    """A buyer of a file for 2 500 sat."""
    seller = await demo.context.connections.of("lightning:1")  # type: ignore[attr-defined]
    async with relay_server() as relay:
        service = WalletService(relay, answers={"get_info": {"result": {"methods": ["pay_invoice"]}}})
        buyer = Buyer(demo, sold, tmp_path, service, seller)
        service.answers |= {"pay_invoice": buyer.pay, "lookup_invoice": buyer.look_up}
        yield buyer


async def test_the_wallet_pays_by_itself(buyer: Buyer) -> None:
    bought = await buyer.buy()
    assert bought.purchase.released
    assert len(buyer.asked) == 1
    assert [payment.rail for payment in bought.purchase.payments] == ["lightning"]


async def test_the_budget_holds(buyer: Buyer) -> None:
    with pytest.raises(OverBudget, match="2500"):
        await buyer.buy(Sat(2499))
    assert buyer.asked == []


async def test_an_invoice_whose_time_is_up_is_made_anew(buyer: Buyer) -> None:
    """The first run could not pay; the second finds its purchase with an invoice that can be paid no more."""
    with pytest.raises(OverBudget):
        await buyer.buy(Sat(1))
    over = update(payment_request).values(expires_at=buyer.demo.context.clock() - 1)
    await buyer.demo.context.store.write(lambda conn: conn.execute(over))
    bought = await buyer.buy()
    assert len(buyer.asked) == 1
    requests = [request for request in bought.purchase.payment_requests if request.rail == "lightning"]
    assert [request.destination == buyer.asked[0] for request in requests] == [False, True]


async def test_a_lost_answer_is_not_a_reason_to_pay_again(buyer: Buyer) -> None:
    """The wallet paid and its answer, and what it says later, never came.  The next run asks it first."""
    buyer.service.answers["pay_invoice"] = lambda params: buyer.pay(params) and None
    buyer.service.answers["lookup_invoice"] = {"error": {"code": "NOT_FOUND"}}
    with pytest.raises(WalletUnreachable):
        await buyer.buy()
    buyer.service.answers |= {"pay_invoice": buyer.pay, "lookup_invoice": buyer.look_up}
    assert (await buyer.buy()).purchase.released
    assert len(set(buyer.asked)) == len(buyer.asked) == 1


async def test_a_payment_that_is_on_its_way_is_never_joined_by_another(buyer: Buyer) -> None:
    """Nobody knows what became of the first; only that very invoice is handed to the wallet again."""
    buyer.service.answers["pay_invoice"] = lambda params: buyer.asked.append(params["invoice"])
    for _ in range(2):
        with pytest.raises(WalletUnreachable):
            await buyer.buy()
    assert (len(buyer.asked), len(set(buyer.asked))) == (2, 1)


async def test_nor_when_its_purchase_has_closed_since(buyer: Buyer) -> None:
    """The next run has another purchase; what was handed over for the first may arrive yet."""
    buyer.service.answers["pay_invoice"] = lambda params: buyer.asked.append(params["invoice"])
    with pytest.raises(WalletUnreachable):
        await buyer.buy()
    saved = SavedPurchases.of(buyer.sold.link, buyer.folder / "state")
    [(purchase_id, invoice)] = saved.handed.items()
    saved.not_sent(purchase_id)
    saved.handed_to_wallet("an-earlier-purchase", invoice)
    with pytest.raises(PaymentUnknown):
        await buyer.buy()
    assert len(buyer.asked) == 1


async def test_a_wallet_that_refuses_may_be_asked_again(buyer: Buyer) -> None:
    buyer.service.answers["pay_invoice"] = {"error": {"code": "INSUFFICIENT_BALANCE"}}
    with pytest.raises(WalletRefused):
        await buyer.buy()
    buyer.service.answers["pay_invoice"] = buyer.pay
    assert (await buyer.buy()).purchase.released


async def test_a_refusal_says_nothing_of_an_earlier_attempt(buyer: Buyer) -> None:
    """The first is on its way and has used the wallet's limit up: the second is refused, the first not forgotten."""
    buyer.service.answers["pay_invoice"] = lambda params: buyer.asked.append(params["invoice"])
    with pytest.raises(WalletUnreachable):
        await buyer.buy()
    buyer.service.answers["pay_invoice"] = {"error": {"code": "QUOTA_EXCEEDED"}}
    with pytest.raises(WalletRefused):
        await buyer.buy()
    saved = SavedPurchases.of(buyer.sold.link, buyer.folder / "state")
    assert list(saved.handed.values()) == buyer.asked


async def test_a_seller_whose_wallet_never_answers_is_not_waited_for(buyer: Buyer) -> None:
    buyer.seller.delay = 60.0
    with pytest.raises(NotPaidInTime):
        await buyer.buy(timeout=1.0)
    assert buyer.asked == []
