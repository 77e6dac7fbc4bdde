"""An access link's claim: good for what is paid, never for paying."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from support.eventually import eventually

from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.money import Sat
from gateway.api.models import Purchase
from gateway.client.buy_file import PurchaseObserver, buy
from gateway.client.claim_from_link import verdict_on
from gateway.client.errors import NotPaidInTime, PaidInPart
from gateway.client.invoice_terms import onchain_request
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo


class Noting(PurchaseObserver):
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.asked: list[str] = []

    def note(self, text: str) -> None:
        """Kept."""
        self.notes.append(text)

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """Kept."""
        if purchase.due_sat:
            self.asked.append(onchain_request(purchase).address)


async def claimed(demo: Demo, sold: PublishedFile) -> tuple[str, Purchase]:
    """Somebody else's claim and its unpaid invoice."""
    claim = new_secret()
    body = {"claim_hash": b64u(claim_hash(claim))}
    path = f"/files/{sold.link.file_id}/purchases"
    return claim, await demo.gateway.call(Purchase, "POST", path, json=body)


async def offered(demo: Demo, sold: PublishedFile, claim: str) -> VerifiedOffer:
    """The offer behind a link that holds the claim."""
    return await look(demo.gateway, dataclasses.replace(sold.link, claim=claim))


def claims_on_disk(folder: Path) -> list[str]:
    """What is remembered."""
    return [claim for path in folder.glob("purchases/*") for claim in json.loads(path.read_text())["claims"]]


async def test_an_unpaid_claim_of_a_link_is_never_paid(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    claim, theirs = await claimed(demo, sold)
    offer = await offered(demo, sold, claim)
    for _ in range(2):  # in the second run there is one of our own
        observer = Noting()
        with pytest.raises(NotPaidInTime):
            await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=0.2, observer=observer)
        assert observer.asked
        assert onchain_request(theirs).address not in observer.asked
        assert "no payment yet" in observer.notes[0]
    [kept] = claims_on_disk(tmp_path)
    assert kept != claim


async def test_of_a_partly_paid_one_the_rest_is_paid_by_choice(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    """Without the choice nothing is asked for, lest somebody pays twice; nor before what came is confirmed."""
    claim, theirs = await claimed(demo, sold)
    assert demo.context.demo_wallet is not None
    await demo.context.demo_wallet.pay(onchain_request(theirs).address, Sat(1000))
    offer, observer = await offered(demo, sold, claim), Noting()
    while not (purchase := await demo.gateway.call(Purchase, "GET", "/claim", bearer=claim)).received_sat:
        pass
    with pytest.raises(PaidInPart, match=r"1000 of 2500 sat .* not confirmed yet"):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=20, observer=observer, pay_rest=True)
    await demo.context.demo_wallet.mine()
    while not (purchase := await demo.gateway.call(Purchase, "GET", "/claim", bearer=claim)).confirmed_sat:
        pass
    with pytest.raises(PaidInPart, match="1000 of 2500 sat were received"):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=20, observer=observer)
    assert (observer.asked, claims_on_disk(tmp_path)) == ([], [])

    async def asked() -> list[str]:
        return observer.asked

    paying = asyncio.create_task(
        buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=60, observer=observer, pay_rest=True)
    )
    await eventually(asked)
    assert observer.asked == [onchain_request(theirs).address]
    await demo.context.demo_wallet.pay(onchain_request(theirs).address, Sat(purchase.due_sat))
    await demo.context.demo_wallet.mine()
    assert (await paying).purchase.purchase_id == theirs.purchase_id
    assert claims_on_disk(tmp_path) == []


CASES = json.loads((Path(__file__).parents[1] / "vectors" / "claims.json").read_text())


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_when_a_links_claim_is_taken_up(case: dict[str, Any]) -> None:
    """As the browser decides it."""
    price, said = CASES["price_sat"], case["purchase"]
    due = max(0, price - said["received_sat"])
    assert verdict_on(Purchase.model_construct(amount_sat=price, due_sat=due, **said)) == case["verdict"]


async def test_one_that_the_gateway_does_not_know(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    offer, observer = await offered(demo, sold, new_secret()), Noting()
    with pytest.raises(NotPaidInTime):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=0.2, observer=observer)
    assert len(observer.asked) == len(observer.notes) == 1


async def test_a_paid_one_opens_and_is_not_stored(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    claim, theirs = await claimed(demo, sold)
    assert demo.context.demo_wallet is not None
    await demo.context.demo_wallet.pay(onchain_request(theirs).address, Sat(2500))
    await demo.context.demo_wallet.mine()
    observer = Noting()
    offer = await offered(demo, sold, claim)
    while not (await demo.gateway.call(Purchase, "GET", "/claim", bearer=claim)).released:
        pass
    bought = await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=20, observer=observer)
    assert bought.purchase.purchase_id == theirs.purchase_id
    assert observer.asked == observer.notes == claims_on_disk(tmp_path) == []
