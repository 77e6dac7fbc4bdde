"""Links made by strangers, and a gateway that asks for something else than the seller signed: nobody pays them."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from support.answers import address_in

from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.sealing.metadata import Preview
from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from gateway.api.models import Purchase
from gateway.client.gateway_client import connect

pytestmark = pytest.mark.browser

SONG = b"a song" * 1000
ELSEWHERE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

Change = Callable[[dict[str, Any]], dict[str, Any]]


async def strangers_link(harness: BrowserHarness, link: str) -> str:
    """An access link whose claim and unpaid invoice are someone else's."""
    claim = new_secret()
    body = {"claim_hash": b64u(claim_hash(claim))}
    file_id = link.split("/f/")[1].split("#")[0]
    async with connect(harness.url) as client:
        await client.call(Purchase, "POST", f"/files/{file_id}/purchases", json=body)
    return f"{link}.{claim}"


def pay_button(page: Page):  # type: ignore[no-untyped-def]
    """The one that begins a purchase."""
    return page.get_by_role("button", name=re.compile("^Pay 2"))


async def shown_address(page: Page) -> str:
    """Where the page says to pay."""
    await expect(page.locator(".qr svg")).to_be_visible()
    return str(await page.locator(".address").text_content())


async def test_a_strangers_unpaid_link_does_not_make_anyone_pay_their_invoice(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """A plain sentence, and an invoice of one's own; the stranger's claim is not kept."""
    link = await strangers_link(harness, await harness.sell(SONG))
    page = await visitor.buy(link)
    await expect(page.get_by_text("has not been paid for yet")).to_be_visible()
    assert link.split(".")[-1] not in await page.evaluate("JSON.stringify(localStorage)")
    await pay_button(page).click()
    assert await shown_address(page) == await harness.address(1)
    await page.reload()
    assert await shown_address(page) == await harness.address(1)
    await harness.chain.pay(await harness.address(1), 2500)  # type: ignore[arg-type]
    await harness.chain.mine()
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()


async def test_a_strangers_payment_that_is_taken_back_is_not_asked_of_anyone_else(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """Back to the offer, never to the stranger's invoice; after a reload as well."""
    page = await visitor.page()
    link = await strangers_link(harness, await harness.sell(SONG))
    paid = await harness.pay()
    await page.wait_for_timeout(500)
    await page.goto(link)
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    await harness.chain.replace(paid)
    for _ in range(2):
        await expect(pay_button(page)).to_be_enabled()
        await expect(page.get_by_text("has not been paid for yet")).to_be_visible()
        await page.reload()
    await pay_button(page).click()
    assert await shown_address(page) == await harness.address(1)


async def alter(page: Page, pattern: str, change: Change) -> None:
    """From now on the gateway's answers are changed on their way."""

    async def handle(route: Route) -> None:
        answer = await route.fetch()
        if answer.ok:
            return await route.fulfill(response=answer, json=change(await answer.json()))
        return await route.fulfill(response=answer)

    await page.route(pattern, handle)


async def refuses_to_pay(page: Page) -> None:
    """The one screen for a gateway that cannot be trusted: no code, no address, no wallet, nothing to press again."""
    await expect(page.get_by_role("heading", level=1, name="Do not pay here")).to_be_visible()
    await expect(page.locator(".card").get_by_text("something other than what the seller signed")).to_be_visible()
    for part in (".qr", ".address", "a[href^='bitcoin:']"):
        await expect(page.locator(part)).to_have_count(0)
    await expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def asked_otherwise(honest: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same answer with its way to pay changed."""
    [request] = honest["payment_requests"]
    return {**honest, "payment_requests": [{**request, **changes}]}


def dearer(honest: dict[str, Any], **sums: int) -> dict[str, Any]:
    """Ten times the price, in everything that says how much to pay."""
    uri = f"bitcoin:{address_in(honest)}?amount=0.00025"
    return asked_otherwise({**honest, "due_sat": 25_000, **sums}, payable_sat=25_000, uri=uri)


LIES: dict[str, Change] = {
    "amount": lambda honest: dearer(honest, amount_sat=25_000),
    "rest": dearer,
    "uri": lambda honest: asked_otherwise(honest, uri=f"bitcoin:{ELSEWHERE}?amount=0.000025"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_invoice_that_is_not_the_signed_price_is_not_shown(
    visitor: Visitor, harness: BrowserHarness, lie: str
) -> None:
    """Not when it is made."""
    page = await visitor.buy(await harness.sell(SONG))
    await alter(page, "**/api/v1/files/*/purchases", LIES[lie])
    await pay_button(page).click()
    await refuses_to_pay(page)


def moved(honest: dict[str, Any]) -> dict[str, Any]:
    """The same invoice at another address, which adds up."""
    return asked_otherwise(honest, destination=ELSEWHERE, uri=f"bitcoin:{ELSEWHERE}?amount=0.000025")


async def test_an_address_that_changes_is_not_paid(visitor: Visitor, harness: BrowserHarness) -> None:
    """Not while the page is open, by events, and not after a reload."""
    link = await harness.sell(SONG)
    page = await visitor.buy(link)
    made: list[dict[str, Any]] = []

    async def remember(route: Route) -> None:
        answer = await route.fetch()
        made.append(await answer.json())
        await route.fulfill(response=answer)

    async def events(route: Route) -> None:
        body = f"event: purchase\ndata: {json.dumps(moved(made[0]))}\n\n"
        await route.fulfill(body=body, content_type="text/event-stream")

    await page.route("**/api/v1/files/*/purchases", remember)
    await page.route("**/events", events)
    await pay_button(page).click()
    await refuses_to_pay(page)
    await alter(page, "**/api/v1/claim", moved)
    await page.reload()
    await refuses_to_pay(page)


async def test_the_code_is_drawn_here(visitor: Visitor, harness: BrowserHarness) -> None:
    """Whatever the gateway's own picture says, it is not asked for."""
    page = await visitor.buy(await harness.sell(SONG))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await pay_button(page).click()
    address = await shown_address(page)
    await expect(page.get_by_role("img", name=f"QR code: pay 2\u202f500\u00a0sat to {address}")).to_be_visible()
    wallet = page.get_by_role("link", name="Open in wallet")
    assert await wallet.get_attribute("href") == f"bitcoin:{address}?amount=0.000025"
    assert [url for url in asked if "qr.svg" in url] == []


async def test_nothing_can_be_paid_before_the_sellers_signature_was_checked(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """The button of the first paint waits for the manifest, and for that of another link in the same tab."""
    link = await harness.sell(SONG)
    page, go_on = await visitor.page(), asyncio.Event()

    async def late(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route("**/api/v1/files/*", late)
    await page.goto(link)
    await expect(page.get_by_role("heading", level=1, name="An encrypted file")).to_be_visible()
    await expect(pay_button(page)).to_be_disabled()
    go_on.set()
    await expect(page.get_by_role("heading", level=1, name="A song")).to_be_visible()
    await expect(pay_button(page)).to_be_enabled()
    go_on.clear()
    other = await strangers_link(harness, link)
    await page.evaluate("hash => { location.hash = hash; }", other.split("#")[1])
    await expect(pay_button(page)).to_be_disabled()
    go_on.set()
    await expect(page.get_by_text("has not been paid for yet")).to_be_visible()
    await pay_button(page).click()
    assert await shown_address(page) == await harness.address(1)


def bomb(side: int) -> bytes:
    """A PNG of one colour, ``side`` × ``side``: kilobytes that become gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((side + 7) // 8 + 1) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("side", "shown"), [(20, True), (20_000, False)])
async def test_a_huge_sample_is_described_and_not_drawn(
    visitor: Visitor, harness: BrowserHarness, side: int, shown: bool
) -> None:
    """Up to 16 megapixels it is drawn."""
    page = await visitor.buy(await harness.sell(SONG, preview=Preview("image/png", bomb(side))))
    said = page.get_by_text("20000 × 20000 pixels")
    await expect(page.locator(".preview img") if shown else said).to_be_visible()
    await expect(said if shown else page.locator("img")).to_have_count(0)
    await expect(page.get_by_text("song.flac")).to_be_visible()
    await expect(pay_button(page)).to_be_enabled()
