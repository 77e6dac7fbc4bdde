"""The widget on pages of every kind: none of them may lose a payment, and where no frame can be, the link is a link."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, FrameLocator, Page, async_playwright, expect
from sqlalchemy import func, select

from bitcache.storage.tables import invoice
from browser.browser_harness import BrowserHarness, blog, website
from browser.chromium import ARGS, CHROMIUM
from browser.conftest import Visitor

pytestmark = pytest.mark.browser

SONG = b"a song" * 1000


async def invoices(harness: BrowserHarness) -> int:
    """How many were made."""
    return await harness.context.store.read(
        lambda conn: conn.execute(select(func.count()).select_from(invoice)).scalar_one()
    )


async def opened(visitor: Visitor, site: str) -> tuple[Page, FrameLocator]:
    """The site's page, and the checkout in its dialog."""
    visitor.origins.add(site)
    page = await visitor.page()
    await page.goto(site)
    await page.get_by_role("link", name="Buy the song").click()
    frame = page.frame_locator("dialog iframe")
    await expect(frame.get_by_role("heading", name="A song")).to_be_visible()
    return page, frame


async def invoiced(frame: FrameLocator) -> None:
    """Press Pay and wait for the code."""
    await frame.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(frame.locator(".qr svg")).to_be_visible()


async def test_a_frame_that_may_keep_nothing_hands_over_to_a_page_of_its_own(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """Chromium refuses storage to frames of another site: no invoice is made there, and nothing paid can be lost."""
    async with website(harness.url, await harness.sell(SONG), host="localhost") as site:
        page, frame = await opened(visitor, site)
        await expect(frame.get_by_text("continues in its own tab")).to_be_visible()
        async with page.context.expect_page() as tab:
            await frame.get_by_role("button", name=re.compile("^Pay 2.*new tab")).click()
        assert await invoices(harness) == 0
        await expect(frame.get_by_text("open in its own tab")).to_be_visible()
        own = await tab.value
        await expect(own.get_by_role("heading", name="A song")).to_be_visible()
        await own.get_by_role("button", name=re.compile("^Pay 2")).click()
        await expect(own.locator(".qr svg")).to_be_visible()
        await harness.pay()
        await expect(own.get_by_text("Payment received", exact=True)).to_be_visible()
        await own.close()
        again = await page.context.new_page()
        await again.goto(await _link(page))
        await harness.chain.mine()
        await expect(again.get_by_role("heading", name="Your file is ready")).to_be_visible()


async def _link(page: Page) -> str:
    return str(await page.get_by_role("link", name="Buy the song").get_attribute("href"))


async def test_where_neither_storage_nor_a_tab_is_allowed_the_private_link_is_kept_first(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """And where a sandbox forbids downloads nothing is called saved: the file's own page is a link away."""
    sandbox = "allow-scripts allow-same-origin allow-forms"
    async with website(harness.url, await harness.sell(SONG), host="localhost", sandbox=sandbox) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(f"{site}/framed")
        outer = page.frame_locator("iframe")
        await outer.get_by_role("link").click()
        frame = outer.frame_locator("dialog iframe")
        await frame.get_by_role("button", name=re.compile("^Pay 2")).click()
        await expect(frame.get_by_role("heading", name="Save your access link first")).to_be_visible()
        await expect(frame.get_by_role("button", name="I saved it")).to_be_disabled()
        assert await invoices(harness) == 0
        await frame.get_by_label("Your access link").click()
        private = await frame.get_by_label("Your access link").input_value()
        await frame.get_by_role("button", name="I saved it").click()
        await expect(frame.locator(".qr svg")).to_be_visible()
        await harness.pay()
        await harness.chain.mine()
        await expect(frame.get_by_role("heading", name="Your file is ready")).to_be_visible()
        assert await frame.get_by_role("link", name="Open it on its own page").get_attribute("href") == private
        visitor.wrong = [
            line for line in visitor.wrong if not re.search("Download is disallowed|Blocked opening|can escape", line)
        ]
        other = await visitor.page()
        async with other.expect_download() as download:
            await other.goto(private)
        assert (await (await download.value).path()).read_bytes() == SONG


async def test_once_an_invoice_exists_no_stray_click_or_key_closes_it(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """The cross asks, and says what to keep; whoever comes back finds the purchase."""
    async with website(harness.url, await harness.sell(SONG)) as site:
        page, frame = await opened(visitor, site)
        await invoiced(frame)
        address = await frame.locator(".address").text_content()
        await page.mouse.click(5, 5)
        for _ in range(5):
            await page.keyboard.press("Escape")
            await page.wait_for_timeout(100)
        await expect(frame.locator(".qr svg")).to_be_visible()
        question = frame.locator("dialog.leaving")
        await page.get_by_role("button", name="Close", exact=True).first.click()
        await expect(question).to_contain_text("Close the checkout?")
        await question.get_by_role("button", name="Stay here").click()
        await expect(question).to_have_count(0)
        await frame.get_by_role("button", name="Copy the amount").focus()
        await page.keyboard.press("Escape")
        await expect(question).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(question).to_have_count(0)
        await page.get_by_role("button", name="Close", exact=True).click()
        await expect(question.get_by_role("button", name="Copy my access link")).to_be_visible()
        await question.get_by_role("button", name="Close", exact=True).click()
        await expect(page.locator("dialog")).to_have_count(0)
        await harness.pay()
        await page.get_by_role("link", name="Buy the song").click()
        await expect(frame.get_by_text("Payment received", exact=True)).to_be_visible()
        await harness.chain.mine()
        await expect(frame.get_by_role("heading", name="Your file is ready")).to_be_visible()
        await expect(frame.locator("body")).not_to_contain_text(str(address))
        await page.mouse.click(5, 5)
        await expect(page.locator("dialog")).to_have_count(0)


async def test_a_checkout_that_died_can_be_closed_all_the_same(visitor: Visitor, harness: BrowserHarness) -> None:
    """It answers no question; the cross works the second time."""
    async with website(harness.url, await harness.sell(SONG)) as site:
        page, frame = await opened(visitor, site)
        await invoiced(frame)
        await frame.locator("body").evaluate("() => { location.href = 'about:blank'; }")
        await expect(frame.locator(".qr svg")).to_have_count(0)
        close = page.get_by_role("button", name="Close")
        await close.click()
        await page.wait_for_timeout(2500)
        await close.click()
        await expect(page.locator("dialog")).to_have_count(0)


async def test_moving_the_element_keeps_the_checkout_open(visitor: Visitor, harness: BrowserHarness) -> None:
    """By every way that a page has; and taking it out, too, once there is an invoice."""
    moves = ("aside.append(pay)", "aside.replaceChildren(pay)", "document.body.moveBefore(pay, aside)", "pay.remove()")
    async with website(harness.url, await harness.sell(SONG)) as site:
        page, frame = await opened(visitor, site)
        await invoiced(frame)
        for move in moves:
            await page.evaluate(f"() => {{ const pay = document.querySelector('bitcache-pay'); {move}; }}")
            await page.wait_for_timeout(50)
            await expect(frame.locator(".qr svg")).to_be_visible()
        await harness.pay()
        await harness.chain.mine()
        await expect(frame.get_by_role("heading", name="Your file is ready")).to_be_visible()


async def test_a_page_that_isolates_itself_can_sell(visitor: Visitor, harness: BrowserHarness) -> None:
    """Cross-Origin-Embedder-Policy lets in only frames that say they agree."""
    isolated = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
    async with website(harness.url, await harness.sell(SONG), headers=isolated) as site:
        page, frame = await opened(visitor, site)
        assert await page.evaluate("crossOriginIsolated")
        await invoiced(frame)
        await harness.pay()
        async with page.expect_download() as download:
            await harness.chain.mine()
        assert (await (await download.value).path()).read_bytes() == SONG


async def test_a_page_from_the_disk_can_sell(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> None:
    """``file://``: the checkout opens in it, and hands over if it may keep nothing."""
    path = tmp_path / "blog.html"
    path.write_text(blog(harness.url, await harness.sell(SONG)))
    page, frame = await opened(visitor, path.as_uri())
    async with page.context.expect_page() as tab:
        await frame.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect((await tab.value).get_by_role("heading", name="A song")).to_be_visible()
    visitor.wrong = [line for line in visitor.wrong if "ERR_FILE_NOT_FOUND" not in line and "file://" not in line]


async def test_a_page_whose_policy_forbids_the_frame_gets_the_link(visitor: Visitor, harness: BrowserHarness) -> None:
    """No grey dialog: the buyer's page opens instead."""
    policy = {"Content-Security-Policy": f"default-src 'self'; script-src 'self' {harness.url}"}
    async with website(harness.url, await harness.sell(SONG), headers=policy) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(site)
        await page.get_by_role("link").click()
        await expect(page.get_by_role("button", name=re.compile("^Pay 2"))).to_be_visible()
        assert page.url.startswith(harness.url)
        visitor.wrong = [line for line in visitor.wrong if "Content Security Policy" not in line]


async def test_in_an_opaque_sandbox_the_link_opens_a_tab(visitor: Visitor, harness: BrowserHarness) -> None:
    """There a frame could neither keep nor open anything."""
    sandbox = "allow-scripts allow-popups allow-popups-to-escape-sandbox"
    async with website(harness.url, await harness.sell(SONG), sandbox=sandbox) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(f"{site}/framed")
        async with page.context.expect_page() as tab:
            await page.frame_locator("iframe").get_by_role("link").click()
        await expect((await tab.value).get_by_role("button", name=re.compile("^Pay 2"))).to_be_visible()


async def test_where_frames_may_keep_things_the_purchase_stays_in_the_frame(
    harness: BrowserHarness, tmp_path: Path
) -> None:
    """Storage of its own for each site around it is storage, too."""
    async with website(harness.url, await harness.sell(SONG), host="localhost") as site, async_playwright() as play:
        context = await _profile(play, tmp_path, {"cookie_controls_mode": 0, "block_third_party_cookies": False})
        page = await context.new_page()
        for _ in range(2):
            await page.goto(site)
            await page.get_by_role("link").click()
            frame = page.frame_locator("dialog iframe")
            await expect(frame.get_by_role("heading", name="A song")).to_be_visible()
            if await invoices(harness) == 0:
                await invoiced(frame)
            await expect(frame.locator(".qr svg")).to_be_visible()
        assert await invoices(harness) == 1
        await context.close()


async def test_a_browser_that_keeps_nothing_at_all_gives_the_private_link_first(
    harness: BrowserHarness, tmp_path: Path
) -> None:
    """On the buyer's own page, with all site data blocked; the link then brings one back."""
    async with async_playwright() as play:
        context = await _profile(play, tmp_path, {"default_content_setting_values": {"cookies": 2}})
        page = await context.new_page()
        await page.goto(await harness.sell(SONG))
        await page.get_by_role("button", name=re.compile("^Pay 2")).click()
        private = await page.get_by_label("Your access link").input_value()
        assert await invoices(harness) == 0
        await page.get_by_label("Your access link").click()
        await page.get_by_role("button", name="I saved it").click()
        await expect(page.locator(".qr svg")).to_be_visible()
        await harness.pay()
        await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
        await page.goto("about:blank")
        await page.goto(private)
        await harness.chain.mine()
        await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()
        await context.close()


async def _profile(play, folder: Path, profile: dict[str, object]) -> BrowserContext:  # type: ignore[no-untyped-def]
    """A browser with these preferences."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here")
    (folder / "profile" / "Default").mkdir(parents=True)
    (folder / "profile" / "Default" / "Preferences").write_text(json.dumps({"profile": profile}))
    context = await play.chromium.launch_persistent_context(
        folder / "profile", executable_path=str(CHROMIUM), args=ARGS, locale="en"
    )
    context.set_default_timeout(15_000)
    return context  # type: ignore[no-any-return]
