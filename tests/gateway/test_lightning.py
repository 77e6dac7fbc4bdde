"""Sales by Lightning over the real HTTP API: a simulated wallet with real invoices is connected, asked and paid."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, config_in, settings_in, started
from sales import file_for_sale
from support.accounts import descriptor
from support.answers import address_in
from support.eventually import eventually
from support.lnurl_service import lnurl_service

from bitcache.identifiers import new_secret
from bitcache.money import Sat
from gateway.compose import check_payout, init_data_folder
from gateway.diagnostics.doctor import examine
from gateway.diagnostics.metrics import Metrics
from gateway.live.network_fee import OLDEST_SECONDS
from wallet.chain.simulated_chain import SimulatedChain
from wallet.lightning.simulated_lightning import SCHEME, SimulatedLightning
from wallet.rails.lookup_schedule import LONGEST_INTERVAL

CONNECTION = {"connection": f"{SCHEME}wallet"}


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway whose seller has connected nothing yet, and is paid on the chain."""
    settings = settings_in(tmp_path)
    terms = await check_payout(settings, descriptor("wpkh"))
    token = await init_data_folder(settings, "Ada", terms=terms)
    async with started(settings, SimulatedChain(), token) as harness:
        yield harness


@pytest.fixture
async def lightning_only(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway whose seller has no account on the chain."""
    settings = settings_in(tmp_path)
    token = await init_data_folder(settings, "Ada")
    async with started(settings, SimulatedChain(), token) as harness:
        yield harness


async def connect(harness: GatewayHarness) -> SimulatedLightning:
    """Connect the simulated wallet; return it, as the gateway holds it."""
    got = await harness.call("PUT", "/seller/connection", harness.token, json=CONNECTION)
    assert (got.status, got.json["kind"], got.json["label"]) == (200, "simulated", "simulated wallet"), got.body
    scope = f"lightning:{(await scopes(harness))[-1]}"
    wallet = await harness.context.connections.of(scope)  # type: ignore[attr-defined]
    assert isinstance(wallet, SimulatedLightning)
    return wallet


async def scopes(harness: GatewayHarness) -> list[int]:
    """Return the ids of every connection."""
    from sqlalchemy import select

    from bitcache.storage.tables import wallet_connection

    return await harness.context.store.read(lambda conn: list(conn.scalars(select(wallet_connection.c.id))))


def lightning_in(purchase: dict[str, Any]) -> dict[str, Any]:
    """The newest Lightning request of a purchase."""
    requests: list[dict[str, Any]] = purchase["payment_requests"]
    return [request for request in requests if request["rail"] == "lightning"][-1]


async def ready(harness: GatewayHarness, purchase: dict[str, Any]) -> dict[str, Any]:
    """The purchase, once the wallet has answered."""

    async def answered() -> dict[str, Any] | None:
        now: dict[str, Any] = (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json
        return now if lightning_in(now)["destination"] or lightning_in(now)["unavailable"] else None

    shown = await eventually(answered)
    assert shown is not None
    return shown


async def test_one_satoshi_buys_a_file(lightning_only: GatewayHarness) -> None:
    """No account on the chain, no confirmation: paid, noticed, released."""
    harness = lightning_only
    wallet = await connect(harness)
    sold = await harness.sell(file_for_sale(price_sat=1))
    claim, purchase = await harness.begin(sold.file_id)
    assert [request["rail"] for request in purchase["payment_requests"]] == ["lightning"]
    purchase = await ready(harness, purchase)
    request = lightning_in(purchase)
    assert request["uri"] == f"LIGHTNING:{request['destination'].upper()}"
    wallet.pay(request["destination"])
    await harness.state(purchase, "settled")
    assert (await harness.call("GET", "/share", claim)).status == 200
    info = (await harness.call("GET", "/seller", harness.token)).json
    assert (info["payout"], info["min_price_sat"], info["connection"]["failures"]) == (None, 1, 0)
    assert info["connection"]["last_answer"] is not None


async def test_a_lightning_address_is_paid(lightning_only: GatewayHarness, tmp_path: Path) -> None:
    """Nothing but an address: its invoices live for a day, which is longer than the purchase is open."""
    async with lnurl_service(tmp_path) as service:
        connection = {"connection": service.address.title()}
        got = await lightning_only.call("PUT", "/seller/connection", lightning_only.token, json=connection)
        assert (got.status, got.json["kind"], got.json["label"]) == (200, "address", service.address), got.body
        sold = await lightning_only.sell(file_for_sale(price_sat=1))
        _, purchase = await lightning_only.begin(sold.file_id)
        purchase = await ready(lightning_only, purchase)
        request = lightning_in(purchase)
        assert request["expires_at"] == purchase["expires_at"]
        assert "verify" not in str(purchase)
        service.pay(request["destination"])
        await lightning_only.state(purchase, "settled")


async def test_one_invoice_that_nobody_can_tell_of_hides_no_other(
    lightning_only: GatewayHarness, tmp_path: Path
) -> None:
    """The service answers about the first one as if it were another; the second is paid and noticed."""
    async with lnurl_service(tmp_path) as service:
        connection = {"connection": service.address}
        await lightning_only.call("PUT", "/seller/connection", lightning_only.token, json=connection)
        sold = await lightning_only.sell(file_for_sale(price_sat=1))
        first, second = [await ready(lightning_only, (await lightning_only.begin(sold.file_id))[1]) for _ in range(2)]
        unclear = lightning_in(first)["destination"]
        service.answers["verify"] = lambda honest: {**honest, "pr": "lnbcrt1"} if honest["pr"] == unclear else honest
        service.pay(lightning_in(second)["destination"])
        await lightning_only.state(second, "settled")
        assert (await lightning_only.call("GET", f"/purchases/{first['purchase_id']}")).json["state"] == "new"


async def test_an_invoice_that_outlives_its_purchase_is_still_asked_for(
    lightning_only: GatewayHarness, tmp_path: Path
) -> None:
    """Its buyer pays late, and nothing is lost."""
    async with lnurl_service(tmp_path) as service:
        connection = {"connection": service.address}
        await lightning_only.call("PUT", "/seller/connection", lightning_only.token, json=connection)
        sold = await lightning_only.sell(file_for_sale(price_sat=1))
        claim, purchase = await lightning_only.begin(sold.file_id)
        purchase = await ready(lightning_only, purchase)
        lightning_only.clock.ahead += 2 * 3600
        await lightning_only.state(purchase, "expired")
        service.pay(lightning_in(purchase)["destination"])
        lightning_only.clock.ahead += LONGEST_INTERVAL
        await lightning_only.state(purchase, "settled")
        assert (await lightning_only.call("GET", "/share", claim)).status == 200


async def test_the_chain_never_waits_for_a_wallet(harness: GatewayHarness) -> None:
    """The address is there at once; the wallet that is away is left out with a sentence, and asked again on demand."""
    wallet = await connect(harness)
    wallet.down = True
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    assert address_in(purchase)
    purchase = await ready(harness, purchase)
    assert "wallet" in lightning_in(purchase)["unavailable"]
    wallet.down = False
    harness.context.connections.records.answered("lightning:1", 0)  # type: ignore[attr-defined]
    path = f"/purchases/{purchase['purchase_id']}/payment-requests"
    assert (await harness.call("POST", path, claim, json={"rail": "lightning"})).status == 200
    assert lightning_in(await ready(harness, purchase))["destination"]


async def test_a_lightning_invoice_whose_time_is_up_is_made_anew(harness: GatewayHarness) -> None:
    """While the purchase is open; the last one is still watched, as its payment may be on its way."""
    wallet = await connect(harness)
    wallet.longest_expiry = 300
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    first = lightning_in(await ready(harness, purchase))
    assert first["expires_at"] < purchase["expires_at"]
    path = f"/purchases/{purchase['purchase_id']}/payment-requests"
    assert len((await harness.call("POST", path, claim, json={"rail": "lightning"})).json["payment_requests"]) == 2
    harness.clock.ahead += 301
    assert len((await harness.call("POST", path, claim, json={"rail": "lightning"})).json["payment_requests"]) == 3
    second = lightning_in(await ready(harness, purchase))
    assert second["destination"] not in (None, first["destination"])
    wallet.pay(second["destination"])
    await harness.state(purchase, "settled")


async def test_buyers_are_told_what_the_network_costs(harness: GatewayHarness) -> None:
    """By the chain source's estimate, for one input and two outputs; an old one is none."""
    sold = await harness.sell(file_for_sale())
    path = f"/files/{sold.file_id}"
    assert (await harness.call("GET", path)).json["onchain_fee_sat"] is None
    harness.chain.sat_per_kvb = 10_001
    await harness.context.network_fee.ask()
    assert (await harness.call("GET", path)).json["onchain_fee_sat"] == 1411
    harness.clock.ahead += OLDEST_SECONDS + 1
    assert (await harness.call("GET", path)).json["onchain_fee_sat"] is None


async def test_a_rest_needs_a_new_invoice(harness: GatewayHarness) -> None:
    """600 on the chain: the first Lightning invoice asks for too much; a new one asks for the rest."""
    wallet = await connect(harness)
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    purchase = await ready(harness, purchase)
    await harness.chain.pay(address_in(purchase), Sat(600))
    await harness.chain.mine()

    async def part() -> bool:
        now = (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json
        return lightning_in(now)["destination"] is None and now["received_sat"] == 600

    assert await eventually(part)
    path = f"/purchases/{purchase['purchase_id']}/payment-requests"
    assert (await harness.call("POST", path, claim, json={"rail": "lightning"})).status == 200
    rest = lightning_in(await ready(harness, purchase))
    assert rest["payable_sat"] == purchase["amount_sat"] - 600
    wallet.pay(rest["destination"])
    await harness.state(purchase, "settled")


async def test_paid_both_ways_is_paid_over(harness: GatewayHarness) -> None:
    wallet = await connect(harness)
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    purchase = await ready(harness, purchase)
    wallet.pay(lightning_in(purchase)["destination"])
    await harness.state(purchase, "settled")
    await harness.chain.pay(address_in(purchase), Sat(purchase["amount_sat"]))
    await harness.chain.mine()

    async def over() -> bool:
        return "paid_over" in (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json["marks"]

    assert await eventually(over)


async def test_a_preimage_with_the_claim_is_a_receipt(harness: GatewayHarness) -> None:
    """The seller's wallet reports nothing; the buyer's own proves the payment.  Without the claim it proves nothing."""
    wallet = await connect(harness)
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    purchase = await ready(harness, purchase)
    wallet.down = True
    preimage = wallet.pay(lightning_in(purchase)["destination"])
    path = f"/purchases/{purchase['purchase_id']}/receipt"
    body = {"preimage": preimage.hex()}
    assert (await harness.call("POST", path, json=body)).status == 401
    assert (await harness.call("POST", path, new_secret(), json=body)).status == 403
    wrong = await harness.call("POST", path, claim, json={"preimage": hashlib.sha256(preimage).hexdigest()})
    assert (wrong.status, wrong.json["code"]) == (400, "bad_input")
    shown = await harness.call("POST", path, claim, json=body)
    assert (shown.status, shown.json["state"]) == (200, "settled"), shown.body
    assert (await harness.call("GET", "/share", claim)).status == 200


async def test_a_replaced_wallet_is_still_asked_about_open_invoices(harness: GatewayHarness) -> None:
    first = await connect(harness)
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    purchase = await ready(harness, purchase)
    await connect(harness)
    first.pay(lightning_in(purchase)["destination"])
    await harness.state(purchase, "settled")
    assert (await harness.call("DELETE", "/seller/connection", harness.token)).status == 204
    _, after = await harness.begin(sold.file_id)
    assert [request["rail"] for request in after["payment_requests"]] == ["onchain"]


@pytest.mark.parametrize("text", ["", "nonsense", "nostr+walletconnect://secret-of-mine", "x" * 3000])
async def test_what_is_no_connection_is_refused_unquoted(harness: GatewayHarness, text: str) -> None:
    got = await harness.call("PUT", "/seller/connection", harness.token, json={"connection": text})
    assert got.status == 400
    assert b"secret-of-mine" not in got.body


async def test_the_connection_is_kept_under_the_master_key(harness: GatewayHarness, tmp_path: Path) -> None:
    """Not in the clear in any file of the data folder."""
    await connect(harness)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert len(kept) > 1000
    assert CONNECTION["connection"].encode() not in kept


async def test_metrics_count_the_wallets(harness: GatewayHarness) -> None:
    """One seller's silent wallet is that seller's trouble: the gateway is healthy."""
    wallet = await connect(harness)
    sold = await harness.sell(file_for_sale())
    await ready(harness, (await harness.begin(sold.file_id))[1])
    before = (await Metrics(harness.context).text()).decode()
    assert 'bitcache_wallets{state="ok"} 1.0' in before
    assert 'bitcache_wallet_invoices_total{connection="1"} 1.0' in before
    assert 'bitcache_wallet_failures_total{connection="1"} 0.0' in before
    assert 'bitcache_wallet_silence_seconds{connection="1"}' in before

    async def looked_up() -> bool:
        return 'lookups_total{connection="1"} 0.0' not in (await Metrics(harness.context).text()).decode()

    assert await eventually(looked_up)
    wallet.down = True
    await ready(harness, (await harness.begin(sold.file_id))[1])
    after = (await Metrics(harness.context).text()).decode()
    assert 'bitcache_wallets{state="failing"} 1.0' in after
    assert 'bitcache_wallet_failures_total{connection="1"} 0.0' not in after
    health = await harness.call("GET", "/healthz")
    assert (health.status, health.json["wallets"]) == (200, {"ok": 0, "failing": 1})
    assert (await harness.call("GET", "/seller", harness.token)).json["connection"]["failures"] > 0


async def test_the_seller_sees_that_a_wallet_has_just_answered(harness: GatewayHarness) -> None:
    got = await harness.call("PUT", "/seller/connection", harness.token, json=CONNECTION)
    assert got.json["last_answer"] == pytest.approx(harness.context.clock(), abs=2)


async def test_doctor_asks_each_wallet(harness: GatewayHarness, tmp_path: Path) -> None:
    """Beside the running gateway; what fails is a warning that names the connection, and no secret."""
    await connect(harness)
    config = config_in(tmp_path)
    [well] = [finding for finding in await examine(config) if finding.area == "lightning"]
    assert (well.code, well.text) == ("wallets", "Lightning wallets that answer: 1 of 1 asked")
    async with lnurl_service(tmp_path) as service:
        connection = {"connection": service.address}
        await harness.call("PUT", "/seller/connection", harness.token, json=connection)
    [away] = [finding for finding in await examine(config) if finding.area == "lightning"]
    assert (away.code, away.text.split(" (")[0]) == ("wallet_unreachable", "connection 2")


async def test_the_demo_pays_by_lightning(harness: GatewayHarness) -> None:
    """With the simulated wallet, at a click."""
    await connect(harness)
    sold = await harness.sell(file_for_sale())
    purchase = await ready(harness, (await harness.begin(sold.file_id))[1])
    body = {"purchase_id": purchase["purchase_id"], "rail": "lightning"}
    assert (await harness.call("POST", "/demo/pay", json=body)).status == 202
    await harness.state(purchase, "settled")


async def test_a_replaced_connection_without_open_invoices_is_closed(harness: GatewayHarness) -> None:
    await connect(harness)
    await connect(harness)

    async def one_is_open() -> bool:
        return len(harness.context.connections.health()) == 1

    assert await eventually(one_is_open)
