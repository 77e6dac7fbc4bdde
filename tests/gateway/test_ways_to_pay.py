"""Several ways to pay over the real HTTP API: shown, added, scanned; and both rails of one running gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, settings_in, started
from sales import file_for_sale
from support.accounts import descriptor
from support.answers import address_in
from support.eventually import eventually

from bitcache.identifiers import new_secret
from bitcache.money import Sat
from gateway.compose import check_payout, init_data_folder
from wallet.chain.simulated_chain import SimulatedChain
from wallet.rails.simulated_wallet_service import SimulatedWallet


@pytest.fixture
def wallet() -> SimulatedWallet:
    return SimulatedWallet()


@pytest.fixture
async def both(tmp_path: Path, wallet: SimulatedWallet) -> AsyncIterator[GatewayHarness]:
    """A gateway with a wallet service beside the chain."""
    settings = settings_in(tmp_path)
    terms = await check_payout(settings, descriptor("wpkh"))
    token = await init_data_folder(settings, "Ada", terms=terms)
    async with started(settings, SimulatedChain(), token, wallet=wallet) as harness:
        yield harness


def in_wallet(purchase: dict[str, Any]) -> dict[str, Any]:
    """The newest way to pay in the wallet."""
    requests: list[dict[str, Any]] = purchase["payment_requests"]
    return [request for request in requests if request["rail"] == "simulated"][-1]


async def ready(harness: GatewayHarness, purchase: dict[str, Any]) -> dict[str, Any]:
    """The purchase, once the wallet has answered."""

    async def answered() -> dict[str, Any] | None:
        now: dict[str, Any] = (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json
        return now if in_wallet(now)["destination"] or in_wallet(now)["unavailable"] else None

    reply = await eventually(answered)
    assert reply is not None
    return reply


async def test_one_invoice_is_paid_on_both(both: GatewayHarness, wallet: SimulatedWallet) -> None:
    """600 in the wallet, the rest on the chain; the file is released with the block."""
    sold = await both.sell(file_for_sale())
    claim, purchase = await both.begin(sold.file_id)
    purchase = await ready(both, purchase)
    wallet.pay(in_wallet(purchase)["destination"], Sat(600))
    rest = purchase["amount_sat"] - 600

    async def part() -> bool:
        now = (await both.call("GET", f"/purchases/{purchase['purchase_id']}")).json
        return (now["due_sat"], [request["payable_sat"] for request in now["payment_requests"]]) == (rest, [rest, rest])

    assert await eventually(part)
    await both.chain.pay(address_in(purchase), Sat(rest))
    await both.chain.mine()
    await both.state(purchase, "settled")
    assert (await both.call("GET", "/share", claim)).status == 200


async def test_each_has_its_own_picture(both: GatewayHarness) -> None:
    """Without a name, that of the first that is ready."""
    sold = await both.sell(file_for_sale())
    purchase = await ready(both, (await both.begin(sold.file_id))[1])
    path = f"/purchases/{purchase['purchase_id']}/qr.svg"
    pictures = [(await both.call("GET", path + query)).body for query in ("", "?rail=onchain", "?rail=simulated")]
    assert pictures[0] == pictures[1] != pictures[2]
    assert (await both.call("GET", f"{path}?rail=barter")).status == 404


async def test_a_way_to_pay_is_added_by_whoever_holds_the_claim(both: GatewayHarness, wallet: SimulatedWallet) -> None:
    """The wallet was down when the invoice was made."""
    wallet.set_down(True)
    sold = await both.sell(file_for_sale())
    claim, purchase = await both.begin(sold.file_id)
    purchase = await ready(both, purchase)
    assert in_wallet(purchase)["unavailable"] == "the wallet does not answer"
    wallet.set_down(False)
    path = f"/purchases/{purchase['purchase_id']}/payment-requests"
    body = {"rail": "simulated"}
    assert (await both.call("POST", path, json=body)).status == 401
    other, _ = await both.begin(sold.file_id)
    refused = await both.call("POST", path, other, json=body)
    assert (refused.status, refused.json["code"]) == (403, "claim_mismatch")
    assert (await both.call("POST", path, new_secret(), json=body)).status == 403
    unknown = await both.call("POST", path, claim, json={"rail": "barter"})
    assert (unknown.status, unknown.json["code"]) == (404, "unknown_rail")
    added = await both.call("POST", path, claim, json=body)
    assert (added.status, len(added.json["payment_requests"])) == (200, 3)
    assert in_wallet(await ready(both, purchase))["destination"] is not None
    assert len((await both.call("POST", path, claim, json=body)).json["payment_requests"]) == 3


async def test_nobody_is_asked_to_pay_twice(both: GatewayHarness, wallet: SimulatedWallet) -> None:
    """Paid on the chain, while the wallet was down."""
    wallet.set_down(True)
    sold = await both.sell(file_for_sale())
    claim, purchase = await both.begin(sold.file_id)
    await ready(both, purchase)
    await both.pay(purchase)
    wallet.set_down(False)
    path = f"/purchases/{purchase['purchase_id']}/payment-requests"
    closed = await both.call("POST", path, claim, json={"rail": "simulated"})
    assert (closed.status, closed.json["code"]) == (409, "invoice_closed")
