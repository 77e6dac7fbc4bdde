"""Many tabs of one browser: over HTTP/1.1 it has six connections to a host, and none may be held by waiting."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor

pytestmark = pytest.mark.browser


async def test_seven_tabs_with_an_invoice_each_all_finish(visitor: Visitor, harness: BrowserHarness) -> None:
    """The seventh page loads, and every payment opens its file."""
    context = await visitor.context()
    pages = []
    for number in range(7):
        page = await context.new_page()
        await page.goto(await harness.sell(b"a song" * 1000, name=f"{number}.flac"))
        await page.get_by_role("button", name=re.compile("^Pay 2")).click()
        await expect(page.locator(".qr svg")).to_be_visible(timeout=30_000)
        pages.append(page)
    for number in range(7):
        await harness.chain.pay(await harness.address(number), 2500)  # type: ignore[arg-type]
    await harness.chain.mine()
    for page in pages:
        await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible(timeout=45_000)
