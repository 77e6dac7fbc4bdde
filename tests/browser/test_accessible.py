"""axe-core finds nothing to complain about: every page, light and dark, narrow and wide."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bitcache.sealing.metadata import Preview
from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"


async def complaints(page: Page) -> list[str]:
    """What axe finds, in both colour schemes."""
    violations: list[str] = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE.read_text())
        result = await page.evaluate("axe.run()")
        violations += [
            f"{scheme}: {violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
    return violations


@pytest.mark.parametrize("path", ["/", "/sell", "/embed", "/nothing"])
async def test_pages(visitor: Visitor, harness: BrowserHarness, path: str) -> None:
    """Pages that stand alone."""
    page = await visitor.page(viewport={"width": 390, "height": 844})
    await page.goto(harness.url + path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert await complaints(page) == []
    visitor.wrong = [line for line in visitor.wrong if "404" not in line]


async def test_the_checkout_from_offer_to_file(visitor: Visitor, harness: BrowserHarness) -> None:
    """Each screen of a purchase."""
    link = await harness.sell(b"a song", name="song.txt", preview=Preview("text/plain", b"la la"))
    page = await visitor.buy(link)
    await expect(page.get_by_text("la la")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr svg")).to_be_visible()
    await harness.pay(1000)
    await expect(page.locator(".notice.warn:visible")).to_be_visible()
    assert await complaints(page) == []
    await harness.pay(1500)
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    assert await complaints(page) == []
    await harness.chain.mine()
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()
    await page.get_by_text("Receipt").click()
    assert await complaints(page) == []


async def test_expired_trouble_and_the_frame(visitor: Visitor, harness: BrowserHarness) -> None:
    """The screens that nobody wants to see, and the widget's inside."""
    link = await harness.sell(b"a song")
    page = await visitor.buy(link.replace("#", "?embed#"))
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr svg")).to_be_visible()
    assert await complaints(page) == []
    await harness.expire()
    await page.get_by_role("button", name="I already paid").click()
    assert await complaints(page) == []
    await page.goto("about:blank")
    await page.goto(link.split("#")[0])
    await expect(page.get_by_text("end of the link").first).to_be_visible()
    assert await complaints(page) == []


async def test_the_sellers_page(visitor: Visitor, harness: BrowserHarness) -> None:
    """Payout, form with mistakes, the published file, the list."""
    page = await visitor.page(viewport={"width": 390, "height": 844})
    await page.goto(f"{harness.url}/sell")
    await page.get_by_label("Account code").fill(harness.token)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Publish").click()
    assert await complaints(page) == []
    await page.get_by_text("Payout wallet", exact=True).click()
    await page.get_by_role("button", name="Change payout wallet").click()
    assert await complaints(page) == []
    await page.reload()
    await page.locator(".drop input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    await page.get_by_label("Price").fill("2500")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("button", name="Copy the link")).to_be_visible()
    await page.get_by_text("Pay button for your website").click()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Sell another file").click()
    await expect(page.get_by_text("Your files")).to_be_visible()
    assert await complaints(page) == []
