"""What a reader sees of a file that the operator takes down: while paying, after it, and in the widget."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from bitcache import reports, takedowns
from bitcache.identifiers import FileId
from browser.browser_harness import BrowserHarness, website
from browser.conftest import Visitor
from browser.test_accessible import complaints

pytestmark = pytest.mark.browser

REASON = "A court said so."
PHONE = {"width": 390, "height": 844}


async def take_down(harness: BrowserHarness, link: str, visitor: Visitor) -> None:
    """The operator decides; the browser's console will tell of the refused requests."""
    file_id = FileId(link.split("/f/")[1].split("#")[0])
    await harness.context.store.write(lambda conn: takedowns.take_down(conn, file_id, REASON, harness.clock()))
    visitor.wrong = _Without451()


class _Without451(list[str]):
    """What was wrong, but for the answer that is expected from here on."""

    def append(self, line: str) -> None:
        """Note it."""
        if "status of 451" not in line:
            super().append(line)


async def says_down(page: Page) -> None:
    """The page says it with the reason, and asks for nothing."""
    await expect(page.get_by_role("heading", name="This file is not available")).to_be_visible()
    await expect(page.locator("main").get_by_text(REASON).first).to_be_visible()
    await expect(page.locator(".qr")).to_have_count(0)
    await expect(page.get_by_role("button", name=re.compile("Pay|Try again"))).to_have_count(0)


async def invoiced(visitor: Visitor, link: str) -> Page:
    """Somebody who looks at the code to pay."""
    page = await visitor.buy(link, viewport=PHONE)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr svg")).to_be_visible()
    return page


async def test_an_open_invoice_goes_away_at_once(visitor: Visitor, harness: BrowserHarness) -> None:
    """What came in by then is in the receipt of the page that stands in the file's place."""
    link = await harness.sell(b"a song")
    page = await invoiced(visitor, link)
    await harness.pay(1000)
    await expect(page.get_by_text("1 000 sat received").first).to_be_visible()
    await take_down(harness, link, visitor)
    await says_down(page)
    await expect(page.get_by_role("status").first).to_contain_text(REASON)
    assert await complaints(page) == []
    await page.reload()
    await says_down(page)
    await expect(page.get_by_text("1 000 sat", exact=True)).to_be_visible()
    await expect(page.locator("#paid")).to_contain_text("Ask the seller for your money back")
    assert await complaints(page) == []


async def test_who_bought_it_before_keeps_the_receipt(visitor: Visitor, harness: BrowserHarness) -> None:
    """Also with the access link alone, elsewhere; and can report what was bought."""
    link = await harness.sell(b"a song")
    page = await invoiced(visitor, link)
    txid = await harness.pay()
    await harness.chain.mine()
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()
    await expect(page.get_by_role("link", name="Report this file")).to_be_visible()
    kept = await page.evaluate(
        "JSON.parse(localStorage[Object.keys(localStorage).find((key) => /claims/.test(key))])[0].claim"
    )
    await take_down(harness, link, visitor)
    await page.reload()
    await says_down(page)
    await expect(page.locator("#paid")).to_contain_text("released to you before")
    await expect(page.locator("dl.receipt")).to_contain_text(txid)
    visitor.secrets.add(kept)
    elsewhere = await visitor.buy(f"{link}.{kept}", viewport=PHONE)
    await expect(elsewhere.locator("#paid")).to_contain_text("released to you before")
    stranger = await visitor.buy(link)
    await says_down(stranger)
    await expect(stranger.locator("dl.receipt")).to_have_count(0)


async def test_the_widget_shows_it_in_its_dialog(visitor: Visitor, harness: BrowserHarness) -> None:
    link = await harness.sell(b"a song")
    await take_down(harness, link, visitor)
    async with website(harness.url, link) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(site)
        await page.get_by_role("link", name="Buy the song").click()
        frame = page.frame_locator("dialog iframe")
        await expect(frame.get_by_role("heading", name="This file is not available")).to_be_visible()
        await expect(frame.get_by_text(REASON)).to_be_visible()
        await page.wait_for_timeout(3_500)  # a frame that had not reported by then would be closed
        await expect(frame.get_by_text(REASON)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog iframe")).to_have_count(0)


async def test_a_report_by_keyboard_without_scripts(visitor: Visitor, harness: BrowserHarness) -> None:
    """From the page's link on, with Tab, arrows and Enter."""
    link = await harness.sell(b"a song")
    context = await visitor.context(viewport=PHONE, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(link)
    async with context.expect_page() as opening:
        await page.get_by_role("link", name="Report this file").press("Enter")
    form = await opening.value
    await expect(form.get_by_text("unless you add its whole link")).to_be_visible()
    await form.get_by_label("What is wrong?").focus()
    for key in ("ArrowDown", "Tab"):
        await form.keyboard.press(key)
    await form.keyboard.type("It harms my computer")
    for key in ("Tab", "Tab"):
        await form.keyboard.press(key)
    await form.keyboard.type("me@example.org")
    await form.keyboard.press("Tab")
    await form.keyboard.press("Enter")
    await expect(form.get_by_text("has your report")).to_be_visible()
    store, key_of_all = harness.context.store, harness.context.master_key
    [kept] = await store.read(lambda conn: reports.queue(conn, key_of_all))
    assert (kept.kind, kept.text, kept.contact) == ("malware", "It harms my computer", "me@example.org")
    assert kept.link_share is None
