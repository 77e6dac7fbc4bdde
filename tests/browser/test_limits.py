"""A seller limits a file by keyboard; buyers see how many are left, and the next one that it is sold out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.test_accessible import complaints
from browser.test_change_listing import published

pytestmark = pytest.mark.browser

DAY = 86_400


async def fits(page: Page) -> bool:
    """Whether nothing is wider than the page."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def limit(page: Page, until: str, most: str) -> None:
    """Fill in the form of the file that is managed, and send it with the Enter key; ``until`` as it is typed."""
    await page.get_by_label("On sale until").focus()
    await page.keyboard.type(until)
    await page.get_by_label("Sales at most").fill(most)
    await page.get_by_label("Sales at most").press("Enter")


async def test_a_limited_file_sells_out(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> None:
    page, link = await published(visitor, harness, tmp_path)
    phone = {"width": 390, "height": 844}
    first, second, late = [await visitor.buy(link, viewport=phone) for _ in range(3)]
    await expect(late.get_by_role("button", name="Pay 2 500 sat")).to_be_visible()
    await page.get_by_role("button", name="Manage").press("Enter")
    await page.get_by_text("Limit the sale").press("Enter")
    await limit(page, "050320200200PM", "0")
    await expect(page.get_by_text("Give a time in the future")).to_be_visible()
    await expect(page.get_by_text("Give a whole number from 1")).to_be_visible()
    assert await complaints(page) == []
    assert await fits(page)
    await limit(page, "050320960200PM", "1")
    await expect(page.get_by_text("On sale until May 3, 2096, 14:00 · Limited to 1 sale")).to_be_visible()
    assert await complaints(page) == []

    for buyer in (first, second):
        await buyer.reload()
        await expect(buyer.get_by_text("On sale until May 3, 2096, 14:00 · 1 left")).to_be_visible()
    assert await complaints(first) == []
    assert await fits(first)
    await first.get_by_role("button", name="Pay 2 500 sat").press("Enter")
    await expect(first.locator(".qr svg")).to_be_visible()
    await harness.pay()
    await expect(first.get_by_text("received").first).to_be_visible(timeout=10_000)

    await second.reload()
    await expect(second.get_by_text("This file is sold out")).to_be_visible()
    await expect(second.get_by_role("button", name="Pay")).to_have_count(0)
    assert await complaints(second) == []
    await late.get_by_role("button", name="Pay 2 500 sat").press("Enter")
    await expect(late.get_by_text("This file is sold out")).to_be_visible()
    embedded = await visitor.page()
    await embedded.goto(link.replace("#", "?embed#"))
    await expect(embedded.get_by_text("This file is sold out")).to_be_visible()
    plain = await visitor.page(java_script_enabled=False)
    await plain.goto(link)
    await expect(plain.get_by_text("This file is sold out")).to_be_visible()

    await harness.chain.mine()
    await expect(first.get_by_role("heading", name="Your file is ready")).to_be_visible(timeout=10_000)
    await page.get_by_role("button", name="Back").press("Enter")
    await expect(page.locator(".listings").get_by_text("Limited to 1 sale")).to_be_visible()
    await expect(page.locator(".listings").get_by_text("Sold out: nobody new can buy it.")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Manage").press("Enter")
    await page.get_by_text("Limit the sale").press("Enter")
    await page.get_by_label("Sales at most").fill("")
    await page.keyboard.press("Enter")
    await expect(page.locator(".offer-head").get_by_text("Limited to")).to_have_count(0)
    await second.reload()
    await expect(second.get_by_role("button", name="Pay 2 500 sat")).to_be_visible()
    visitor.wrong = [line for line in visitor.wrong if "409" not in line]


async def test_the_sale_ends_while_somebody_looks(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> None:
    """An invoice that is open then is paid as before."""
    page, link = await published(visitor, harness, tmp_path)
    await page.get_by_role("button", name="Manage").press("Enter")
    await page.get_by_text("Limit the sale").press("Enter")
    soon = f"{datetime.fromtimestamp(harness.clock() + DAY):%Y-%m-%dT%H:%M}"  # noqa: DTZ006 - the browser's zone
    await page.get_by_label("On sale until").fill(soon)
    await page.get_by_label("On sale until").press("Enter")
    await expect(page.locator(".offer-head").get_by_text("On sale until")).to_be_visible()
    begun, slow = await visitor.buy(link), await visitor.buy(link)
    await expect(slow.get_by_text("On sale until")).to_be_visible()
    await begun.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(begun.locator(".qr svg")).to_be_visible()
    harness.clock.ahead = DAY
    await slow.get_by_role("button", name="Pay 2 500 sat").click()
    await expect(slow.get_by_text("The time for which the seller sold this file is over")).to_be_visible()
    await harness.pay()
    await harness.chain.mine()
    await expect(begun.get_by_role("heading", name="Your file is ready")).to_be_visible(timeout=10_000)
    visitor.wrong = [line for line in visitor.wrong if "409" not in line]
