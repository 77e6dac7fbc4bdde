"""What strangers may keep open, over HTTP: nobody stops the sales of others by asking for invoices and not paying."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_harness import Answer, GatewayHarness, Open
from sales import VerifiedOffer
from sales import file_for_sale as sealed

from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.invoice_quotas import MOST_BITS
from bitcache.proof_of_work import solve

PROXY = {"trusted_proxies": ["127.0.0.1"]}
STRANGER = "198.51.100.7"


async def ask(
    harness: GatewayHarness, file: VerifiedOffer, address: str, claim: str | None = None, **proof: Any
) -> Answer:
    """Ask once for an invoice, from ``address``."""
    body = {"claim_hash": b64u(claim_hash(claim or new_secret()))} | proof
    headers = {"X-Forwarded-For": address}
    return await harness.call("POST", f"/files/{file.file_id}/purchases", json=body, headers=headers)


async def buy(harness: GatewayHarness, file: VerifiedOffer, address: str) -> Answer:
    """Ask as a client does, and work when that is asked for."""
    claim = new_secret()
    got = await ask(harness, file, address, claim)
    for _ in range(5):
        if got.status != 429 or got.json["code"] != "proof_of_work":
            break
        got = await ask(harness, file, address, claim, proof_of_work=await asyncio.to_thread(worked, got.json))
    return got


def worked(asked: dict[str, Any]) -> dict[str, Any]:
    """The solution of what was asked."""
    return {"challenge": asked["challenge"], "nonce": solve(asked["challenge"], asked["bits"])}


async def attack(harness: GatewayHarness, file: VerifiedOffer, addresses: list[str], times: int) -> None:
    """Ask from each of these, so many times, and pay nothing."""
    for _ in range(times):
        await asyncio.gather(*[ask(harness, file, address) for address in addresses])


@pytest.mark.parametrize(
    "addresses",
    [[f"2001:db8:7:{number:x}00::1" for number in range(10)], [f"192.0.{number}.1" for number in range(10)]],
    ids=["ten /56 of one IPv6 /48", "ten IPv4 addresses"],
)
@pytest.mark.parametrize("gap_limit", [20, 1000])
async def test_a_few_networks_do_not_stop_a_listings_sales(
    open_one: Open, addresses: list[str], gap_limit: int
) -> None:
    """Two hundred unpaid invoices were enough to stop everybody's purchases for an hour."""
    async with open_one(server=PROXY, invoices={"wallet_gap_limit": gap_limit}) as harness:
        file = await harness.sell(sealed())
        await attack(harness, file, addresses, 25)
        for stranger in (STRANGER, "2001:db8:99::5"):
            assert (await buy(harness, file, stranger)).status == 201


async def test_behind_an_unlisted_proxy_the_shop_stays_open(open_one: Open) -> None:
    """Everybody seems to come from one address; twenty invoices were enough to stop everybody's purchases."""
    async with open_one() as harness:
        file = await harness.sell(sealed())
        await attack(harness, file, ["192.0.2.1"], 30)
        assert [(await buy(harness, file, STRANGER)).status for _ in range(3)] == [201] * 3


async def test_a_proxy_that_is_not_listed_is_noticed(open_one: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """Once in the log, and for doctor."""
    async with open_one() as harness:
        file = await harness.sell(sealed())
        await attack(harness, file, ["192.0.2.1"], 3)
        note = (harness.context.settings.storage.directory / "unlisted-proxy").read_text()
    assert note == "127.0.0.1"
    assert capsys.readouterr().out.count("unlisted_proxy") == 1


async def test_a_solution_is_good_for_its_own_claim(open_one: Open) -> None:
    """It neither serves a second claim nor gives a second invoice."""
    async with open_one(server=PROXY, invoices={"cap_per_buyer": 4}) as harness:
        file = await harness.sell(sealed())
        await attack(harness, file, [STRANGER], 3)
        claim = new_secret()
        asked = await ask(harness, file, STRANGER, claim)
        assert (asked.status, asked.json["code"], asked.json["expires_in"]) == (429, "proof_of_work", 300)
        proof = worked(asked.json)
        other = await ask(harness, file, STRANGER, proof_of_work=proof)
        assert (other.status, other.json["code"]) == (429, "proof_of_work")
        assert other.json["challenge"] != asked.json["challenge"]
        first = await ask(harness, file, STRANGER, claim, proof_of_work=proof)
        again = await ask(harness, file, STRANGER, claim, proof_of_work=proof)
        assert (first.status, again.status) == (201, 200)
        assert first.json["purchase_id"] == again.json["purchase_id"]
        full = await buy(harness, file, STRANGER)
        assert (full.status, full.json["code"]) == (429, "too_many_invoices")


async def test_the_unpaid_run_grows_slowly_and_a_payment_ends_it(open_one: Open) -> None:
    """At its bound one address every five minutes is given out, to whoever asks; after a payment all is as before."""
    limits = {"wallet_gap_limit": 2, "longest_unpaid_run": 8}
    async with open_one(server=PROXY, invoices=limits) as harness:
        file = await harness.sell(sealed())
        got = [await buy(harness, file, f"192.0.{number}.1") for number in range(9)]
        assert [answer.status for answer in got] == [201] * 8 + [429]
        assert got[-1].json["code"] == "too_many_buyers"
        assert 0 < int(got[-1].headers["Retry-After"]) <= 300
        assert got[-1].json["retry_after"] == int(got[-1].headers["Retry-After"])
        assert (await harness.call("GET", "/seller", harness.token)).json["payout"]["slowed"] is True
        harness.clock.ahead += 300
        asked = await ask(harness, file, STRANGER)
        assert (asked.json["code"], asked.json["bits"]) == ("proof_of_work", MOST_BITS)
        await harness.pay(got[7].json)
        assert (await ask(harness, file, STRANGER)).status == 201
        assert (await harness.call("GET", "/seller", harness.token)).json["payout"]["slowed"] is False


async def test_late_payments_still_open_the_file(open_one: Open) -> None:
    """An invoice of an attack, long expired and no longer counted, is paid after all."""
    async with open_one(server=PROXY) as harness:
        file = await harness.sell(sealed())
        claim = new_secret()
        made = await ask(harness, file, STRANGER, claim)
        await attack(harness, file, [f"192.0.{number}.1" for number in range(19)], 1)
        harness.clock.ahead += 2 * 3600
        await harness.state(made.json, "expired")
        await harness.pay(made.json)
        assert (await harness.call("GET", "/share", claim)).status == 200


async def test_without_javascript_the_page_says_how_to_go_on(open_one: Open) -> None:
    """A proof of work needs a program; what is asked for is 429 and says what to do."""
    async with open_one(server=PROXY, invoices={"cap_per_buyer": 2, "wallet_gap_limit": 1}) as harness:
        file = await harness.sell(sealed())
        assert (await ask(harness, file, STRANGER)).status == 201
        headers = {"X-Forwarded-For": STRANGER}
        got = await harness.call("POST", f"/f/{file.file_id}/pay", headers=headers, allow_redirects=False)
        assert (got.status, got.headers["Retry-After"]) == (429, "60")
        assert "bitcache buy" in got.body.decode()
        assert "Set-Cookie" not in got.headers
