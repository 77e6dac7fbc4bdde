"""Lightning in a real browser: connected by the seller, paid by the buyer; nothing for axe-core to complain about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.lnurl_service import lnurl_service

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.test_accessible import complaints
from wallet.lightning.simulated_lightning import SCHEME

pytestmark = pytest.mark.browser


async def press_pay(visitor: Visitor, link: str, **options: object) -> Page:
    """The buyer's page, asked for an invoice."""
    page = await visitor.buy(link, **options)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    return page


async def test_a_seller_connects_a_wallet_and_a_buyer_pays_by_it(visitor: Visitor, harness: BrowserHarness) -> None:
    """By keyboard alone, where a keyboard is enough."""
    seller = await visitor.page(viewport={"width": 390, "height": 844})
    await seller.goto(f"{harness.url}/sell")
    await seller.get_by_label("Account code").fill(harness.token)
    await seller.keyboard.press("Enter")
    await seller.get_by_role("button", name="Connect a Lightning wallet").press("Enter")
    await seller.get_by_label("Wallet connection").fill("nonsense")
    await seller.get_by_role("button", name="Connect", exact=True).press("Enter")
    await expect(seller.get_by_role("alert")).to_contain_text("not a wallet connection")
    visitor.wrong = [line for line in visitor.wrong if "400" not in line]
    await seller.get_by_label("Wallet connection").fill(SCHEME)
    assert await complaints(seller) == []
    await seller.get_by_role("button", name="Connect", exact=True).press("Enter")
    await visitor.prove(seller, harness.token)
    await seller.get_by_text("Lightning wallet", exact=True).press("Enter")
    await expect(seller.get_by_text("receive only")).to_be_visible()
    wallet = await harness.lightning()
    page = await press_pay(visitor, await harness.sell(b"a song"), viewport={"width": 390, "height": 844})
    only = page.get_by_role("button", name="Lightning only")
    await expect(only).to_have_attribute("aria-pressed", "false")
    wallet_link = page.get_by_role("link", name="Open in wallet")
    await expect(wallet_link).to_have_attribute("href", re.compile("^bitcoin:.*&lightning=lnbcrt"))
    assert await complaints(page) == []
    await only.press("Enter")
    await expect(only).to_have_attribute("aria-pressed", "true")
    await expect(wallet_link).to_have_attribute("href", re.compile("^LIGHTNING:LNBCRT"))
    assert await complaints(page) == []
    wallet.pay(await harness.invoice())
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()
    assert await complaints(page) == []


async def test_a_wallet_that_is_away_is_asked_again(visitor: Visitor, harness: BrowserHarness) -> None:
    """The address is there meanwhile."""
    wallet = await harness.lightning()
    wallet.down = True
    page = await press_pay(visitor, await harness.sell(b"a song"))
    await expect(page.get_by_text("Lightning is not available right now")).to_be_visible()
    await expect(page.get_by_text("To this address")).to_be_visible()
    assert await complaints(page) == []
    wallet.down = False
    harness.clock.ahead += 400  # a wallet that failed is left alone for a while
    await page.get_by_role("button", name="Try Lightning again").click()
    await expect(page.get_by_role("button", name="Lightning only")).to_be_visible()


async def test_an_invoice_whose_time_is_up_is_renewed_when_the_buyer_comes_back(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    wallet = await harness.lightning()
    wallet.longest_expiry = 300
    page = await press_pay(visitor, await harness.sell(b"a song"))
    wallet_link = page.get_by_role("link", name="Open in wallet")
    await expect(wallet_link).to_have_attribute("href", re.compile("&lightning=lnbcrt"))
    first = await wallet_link.get_attribute("href")
    harness.clock.ahead += 301
    await page.reload()
    await expect(wallet_link).to_have_attribute("href", re.compile("&lightning=lnbcrt"))
    assert await wallet_link.get_attribute("href") != first
    wallet.pay(await harness.invoice())
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()


async def test_lightning_leads_where_the_chain_is_dear(visitor: Visitor, harness: BrowserHarness) -> None:
    """The cost of each stands beside it, with JavaScript and without."""
    await harness.lightning()
    harness.chain.sat_per_kvb = 10_000
    await harness.context.network_fee.ask()
    link = await harness.sell(b"a song")
    page = await press_pay(visitor, link)
    only = page.get_by_role("button", name="Lightning only")
    await expect(only).to_have_attribute("aria-pressed", "true")
    chain = page.get_by_role("button", name="Any wallet")
    await expect(chain).to_contain_text("about 1\u202f410\u00a0sat")
    await chain.click()
    await expect(page.get_by_role("link", name="Open in wallet")).to_have_attribute("href", re.compile("^bitcoin:"))
    assert await complaints(page) == []
    plain = await press_pay(visitor, link, java_script_enabled=False)
    wallet_link = plain.get_by_role("link", name="Open in wallet")
    while await plain.get_by_role("link", name="Pay on-chain instead").count() == 0:  # the wallet has yet to answer
        await plain.reload()
    await expect(wallet_link).to_have_attribute("href", re.compile("^LIGHTNING:LNBCRT"))
    await plain.get_by_role("link", name="Pay on-chain instead").click()
    await expect(wallet_link).to_have_attribute("href", re.compile("^bitcoin:"))
    await expect(plain.get_by_text("About 1\u202f410\u00a0sat.")).to_be_visible()


async def test_the_wallet_of_the_browser_pays_and_its_receipt_is_enough(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """WebLN: the seller's wallet has fallen silent, and the preimage opens the file."""
    wallet = await harness.lightning()
    link = await harness.sell(b"a song")
    page = await visitor.page()
    paid: list[str] = []

    async def pay(invoice: str) -> str:
        paid.append(invoice)
        wallet.down = True
        return wallet.pay(invoice).hex()

    await page.expose_function("payInvoice", pay)
    await page.add_init_script(
        "window.webln = {enable: async () => {}, sendPayment: async (i) => ({preimage: await payInvoice(i)})}"
    )
    await page.goto(link)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await page.get_by_role("button", name="Pay with your browser’s wallet").click()
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()
    assert paid == [await harness.invoice()]


async def test_an_address_is_refused_with_the_reason_or_taken(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    async with lnurl_service(tmp_path) as service:
        seller = await visitor.page()
        await seller.goto(f"{harness.url}/sell")
        await seller.get_by_label("Account code").fill(harness.token)
        await seller.keyboard.press("Enter")
        await seller.get_by_role("button", name="Connect a Lightning wallet").click()
        await seller.get_by_label("Wallet connection").fill(service.address)
        service.answers["callback"] = {"pr": "lnbcrt1"}
        await seller.get_by_role("button", name="Connect", exact=True).click()
        await expect(seller.get_by_role("alert")).to_contain_text("does not say whether an invoice was paid")
        visitor.wrong = [line for line in visitor.wrong if "400" not in line]
        service.answers.clear()
        await seller.get_by_role("button", name="Connect", exact=True).click()
        await visitor.prove(seller, harness.token)
        await seller.get_by_role("button", name="Publish").wait_for()
        await seller.get_by_text("Lightning wallet", exact=True).click()
        await expect(seller.get_by_text(f"{service.address}: receive only, by Lightning address")).to_be_visible()
        assert await complaints(seller) == []
