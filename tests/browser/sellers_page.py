"""The seller's page as a person uses it: signing in, filling in the form, publishing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

from browser.browser_harness import BrowserHarness


async def sign_in(page: Page, harness: BrowserHarness, secret: str | None = None) -> None:
    """By an account code or (None) the seller's token."""
    await page.goto(f"{harness.url}/sell")
    await page.get_by_label("Account code").fill(secret or harness.token)
    await page.keyboard.press("Enter")


async def fill_in(page: Page, file: Any, title: str, price: str = "2500") -> None:
    """``file``: a path, or name, type and content as Playwright takes them."""
    await page.locator(".drop input").set_input_files(file)
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Price").fill(price)


async def publish(page: Page, file: Any, title: str, price: str = "2500") -> str:
    """Fill in the form and publish; return the buyer's link."""
    await fill_in(page, file, title, price)
    await page.get_by_role("button", name="Publish").click()
    return await page.get_by_label("Link for buyers", exact=True).input_value()


def song(folder: Path, content: bytes = b"a song") -> Path:
    """A file to sell."""
    path = folder / "song.flac"
    path.write_bytes(content)
    return path
