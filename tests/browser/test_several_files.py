"""Several files at once: each is sold by itself, and one that fails holds up none."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.test_accessible import complaints
from browser.test_drop import drop, sellers_page

pytestmark = pytest.mark.browser


async def with_three_files(visitor: Visitor, harness: BrowserHarness, folder: Path) -> Page:
    """The form, with three files dropped on it and a price."""
    paths = [folder / name for name in ("one.txt", "two.txt", "three.txt")]
    for path in paths:
        path.write_text(f"this is {path.name}")
    page = await sellers_page(visitor, harness)
    await page.set_viewport_size({"width": 390, "height": 844})
    await drop(page, *paths)
    await page.get_by_label("Price").fill("2500")
    return page


async def test_each_is_sold_by_itself_under_its_own_name(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page = await with_three_files(visitor, harness, tmp_path)
    await expect(page.locator(".drop strong")).to_have_text("one.txt, two.txt, three.txt")
    await expect(page.get_by_text("Each file is sold by itself")).to_be_visible()
    await expect(page.get_by_label("Title")).to_be_hidden()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("3 files are for sale now")).to_be_visible()
    assert await complaints(page) == []
    for title in ("one", "two", "three"):
        row = page.locator(".listings li", has=page.get_by_text(title, exact=True))
        await row.get_by_role("button", name="Link and QR code").click()
        link = await page.get_by_label("Link for buyers", exact=True).input_value()
        buyer = await visitor.buy(link)
        await expect(buyer.get_by_role("heading", name=title)).to_be_visible()
        await page.get_by_role("button", name="Sell another file").click()
    await expect(page.get_by_label("Title")).to_be_visible()


async def test_one_that_fails_is_named_and_stays_in_the_form(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page = await with_three_files(visitor, harness, tmp_path)
    (tmp_path / "two.txt").unlink()
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("2 files are for sale now")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("two.txt: ")
    await expect(page.locator(".drop strong")).to_have_text("two.txt")
    await expect(page.get_by_label("Title")).to_have_value("two")
    await expect(page.get_by_label("Price")).to_have_value("2500")
    assert await complaints(page) == []
