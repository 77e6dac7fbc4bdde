"""A seller changes price and title; buyers who look meanwhile are told, and those who paid have their file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.sellers_page import publish, sign_in, song
from browser.test_accessible import complaints

pytestmark = pytest.mark.browser

COPY = "(kept) => Object.entries(JSON.parse(kept)).forEach(([key, value]) => localStorage.setItem(key, value))"


async def published(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> tuple[Page, str]:
    """The seller's page with a file on sale, and its link."""
    page = await visitor.page(viewport={"width": 390, "height": 844})
    await sign_in(page, harness)
    link = await publish(page, song(tmp_path), "A song")
    await page.get_by_role("button", name="Sell another file").click()
    return page, link


async def change(page: Page, title: str, price: str) -> None:
    """By keyboard."""
    await page.get_by_role("button", name="Manage").press("Enter")
    await expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Price").fill(price)
    await page.keyboard.press("Enter")


async def test_the_price_changes_for_whoever_has_no_invoice_yet(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page, link = await published(visitor, harness, tmp_path)
    early, late = await visitor.buy(link), await visitor.buy(link)
    await early.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(early.locator(".qr svg")).to_be_visible()
    await expect(late.get_by_role("heading", name="A song")).to_be_visible()
    await page.get_by_role("button", name="Manage").press("Enter")
    await expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_label("Price").fill("100")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("294").first).to_be_visible()
    await page.get_by_role("button", name="Back").click()
    await change(page, "A better song", "4000")
    await expect(page.get_by_text("A better song")).to_be_visible()
    await expect(page.get_by_text("4 000 sat · since")).to_be_visible()
    await late.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(late.get_by_text("The seller has changed the price")).to_be_visible()
    await expect(late.get_by_role("heading", name="A better song")).to_be_visible()
    await late.get_by_role("button", name="Pay 4 000 sat").click()
    await expect(late.locator(".qr svg")).to_be_visible()
    await early.reload()  # what was begun at the former price goes on at it
    await expect(early.get_by_text("2 500 sat").first).to_be_visible()
    await expect(early.locator(".qr svg")).to_be_visible()
    await harness.chain.pay(await harness.address(0), 2_500)
    await harness.chain.mine()
    await expect(early.get_by_role("heading", name="Your file is ready")).to_be_visible(timeout=10_000)
    access = await early.evaluate("() => location.href")
    assert access == link
    visitor.wrong = [line for line in visitor.wrong if "409" not in line]


async def test_a_browser_that_signs_in_later_changes_it_too(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    """Another browser has another signing key; the description names it."""
    page, link = await published(visitor, harness, tmp_path)
    kept = await page.evaluate("() => JSON.stringify(localStorage)")
    other = await visitor.page()
    await other.goto(f"{harness.url}/sell")
    await other.evaluate(COPY, kept)
    await other.get_by_label("Account code").fill(harness.token)
    await other.keyboard.press("Enter")
    await change(other, "Signed elsewhere", "3000")
    await expect(other.get_by_text("Signed elsewhere")).to_be_visible()
    buyer = await visitor.buy(link)
    await expect(buyer.get_by_role("heading", name="Signed elsewhere")).to_be_visible()
    await buyer.get_by_role("button", name="Pay 3 000 sat").click()
    await expect(buyer.locator(".qr svg")).to_be_visible()


async def test_without_javascript_the_new_price_is_shown_before_anything_is_asked(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page, link = await published(visitor, harness, tmp_path)
    plain = await visitor.page(java_script_enabled=False)
    await plain.goto(link)
    await change(page, "A song", "4000")
    await expect(page.get_by_text("4 000 sat · since")).to_be_visible()
    await plain.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(plain.get_by_text("The seller has changed the price")).to_be_visible()
    await plain.get_by_role("button", name="Pay 4 000 sat").click()
    await expect(plain.get_by_text("4 000 sat").first).to_be_visible()
    await expect(plain.locator("img").first).to_be_visible()


async def test_a_file_is_paused_withdrawn_and_deleted(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    """By keyboard; what cannot be undone says first what it means, and buyers are told."""
    page, link = await published(visitor, harness, tmp_path)
    waiting = await visitor.buy(link)
    await waiting.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(waiting.locator(".qr svg")).to_be_visible()
    await page.get_by_role("button", name="Manage").press("Enter")
    await page.get_by_role("button", name="Pause sales").press("Enter")
    await expect(page.get_by_text("Paused: nobody can buy it now.")).to_be_visible()
    assert await complaints(page) == []
    buyer = await visitor.buy(link)
    await expect(buyer.get_by_text("The seller has paused the sale")).to_be_visible()
    await expect(buyer.get_by_role("button", name="Pay")).to_have_count(0)
    await page.get_by_role("button", name="Resume sales").press("Enter")
    await buyer.reload()
    await expect(buyer.get_by_role("button", name="Pay 2 500 sat")).to_be_visible()
    await page.get_by_text("Withdraw from sale").press("Enter")
    await page.get_by_role("button", name="Withdraw for good").press("Enter")
    await expect(page.get_by_text("Withdrawn: nobody can buy it any more.")).to_be_visible()
    await buyer.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(buyer.get_by_text("The seller no longer sells this file")).to_be_visible()
    await harness.pay()
    await harness.chain.mine()
    await expect(waiting.get_by_role("heading", name="Your file is ready")).to_be_visible(timeout=10_000)
    await page.get_by_text("Delete", exact=True).press("Enter")
    await expect(page.get_by_text("after 30 days")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Delete the file").press("Enter")
    await expect(page.get_by_text("Its buyers can download it until")).to_be_visible()
    await page.get_by_role("button", name="Back").press("Enter")
    await expect(page.locator(".listings").get_by_text("Deleted. Its buyers")).to_be_visible()
    visitor.wrong = [line for line in visitor.wrong if "409" not in line]


async def test_a_description_is_read_by_buyers_and_by_nobody_else(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    """Limited Markdown; a link shows where it leads, and nothing becomes markup."""
    page, link = await published(visitor, harness, tmp_path)
    await page.get_by_role("button", name="Manage").press("Enter")
    await expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    await page.get_by_text("Description and contact").press("Enter")
    assert await complaints(page) == []
    area = page.get_by_label("Description", exact=True)
    await area.fill("A **fine** song.\u200b")
    await page.get_by_role("button", name="Save", exact=True).press("Enter")
    await expect(page.get_by_text("character in it that cannot be seen")).to_be_visible()
    await area.fill("A **fine** song:\n\n- one <b>side</b>\n- [notes](https://notes.example/a)")
    await page.get_by_label("Who sells it").fill("Ada, ada@shop.example")
    await page.get_by_role("button", name="Save", exact=True).press("Enter")
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    buyer = await visitor.buy(link, viewport={"width": 390, "height": 844})
    await expect(buyer.get_by_text("Sold by Ada, ada@shop.example")).to_be_visible()
    await expect(buyer.locator(".prose strong")).to_have_text("fine")
    await expect(buyer.locator(".prose li").first).to_have_text("one <b>side</b>")
    leads = buyer.get_by_role("link", name="notes (notes.example)")
    await expect(leads).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    assert await complaints(buyer) == []
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"fine" not in kept
    assert b"shop.example" not in kept
    await page.get_by_role("button", name="Manage").press("Enter")
    await expect(page.get_by_label("Who sells it")).to_have_value("Ada, ada@shop.example")
