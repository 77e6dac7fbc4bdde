"""The seller's desk in a real browser: a sale arrives without a reload, and is taken along for bookkeeping."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.sellers_page import publish, sign_in, song
from browser.test_accessible import complaints

pytestmark = pytest.mark.browser

#: A headless browser shows no notification: what would be shown is noted instead.
NOTES = """() => {
  window.told = [];
  window.Notification = class { static permission = "granted"; constructor(title) { told.push(title); } };
}"""


async def desk(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> tuple[Page, str]:
    """The seller's page after a file was published there, and its link."""
    context = await visitor.context(viewport={"width": 390, "height": 844}, permissions=["notifications"])
    page = await context.new_page()
    await sign_in(page, harness)
    link = await publish(page, song(tmp_path), "=A song, of mine")
    visitor.secrets.add(link.split("#")[1].split(".")[0])
    await page.get_by_role("button", name="Sell another file").click()
    return page, link


async def saved(page: Page, kind: str) -> str:
    """The file that a button saves."""
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name=f"Save as {kind}").press("Enter")
    return (await (await waiting.value).path()).read_text(encoding="utf-8")


async def test_a_sale_arrives_by_itself_and_is_taken_along(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page, link = await desk(visitor, harness, tmp_path)
    await page.evaluate(NOTES)
    await expect(page.get_by_text("Not sold yet")).to_be_visible()
    await expect(page.get_by_role("heading", name="Sales")).to_have_count(0)
    first = await visitor.buy(link)
    await first.get_by_role("button", name="Pay").click()
    await expect(first.locator(".qr svg")).to_be_visible()
    await harness.pay()
    sales = page.locator(".sales")
    await expect(sales.get_by_text("2 500 sat seen, waiting for confirmation")).to_be_visible(timeout=10_000)
    await harness.chain.mine()
    await expect(sales.get_by_text("2 500 sat received")).to_be_visible(timeout=10_000)
    await expect(page.get_by_text("Sold 1 time")).to_be_visible()
    assert await page.evaluate("() => window.told") == ["New sale: =A song, of mine."], "once, not for each state"
    second = await visitor.buy(link)
    await second.get_by_role("button", name="Pay").click()
    await expect(second.locator(".qr svg")).to_be_visible()
    await harness.pay(3_000)
    await harness.chain.mine()
    await expect(sales.get_by_text("more than the price")).to_be_visible(timeout=10_000)
    await expect(sales.get_by_text("5 500 sat today")).to_be_visible()
    assert len(await page.evaluate("() => window.told")) == 2
    await expect(page.get_by_text("Sold 2 times")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Save as CSV").focus()
    third = await visitor.buy(link)
    await third.get_by_role("button", name="Pay").click()
    await expect(third.locator(".qr svg")).to_be_visible()
    await harness.pay()
    await expect(sales.get_by_text("waiting for confirmation")).to_be_visible(timeout=10_000)
    await expect(page.get_by_role("button", name="Save as CSV")).to_be_focused()
    rows = list(csv.DictReader((await saved(page, "CSV")).splitlines()))
    assert [(row["title"], row["amount_sat"], row["rail"]) for row in rows] == [
        ("'=A song, of mine", "2500", "onchain"),
        ("'=A song, of mine", "3000", "onchain"),
        ("'=A song, of mine", "2500", "onchain"),
    ]
    kept = json.loads(await saved(page, "JSON"))["sales"]
    assert [sale["title"] for sale in kept] == ["=A song, of mine"] * 3
    assert all(len(sale["payments"][0]["reference"]) > 64 for sale in kept)
