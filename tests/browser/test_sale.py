"""The whole sale in a real browser: published on the seller's page, bought through the widget on another site."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.proxies import plain_nginx

from browser import sellers_page
from browser.browser_harness import BrowserHarness, website
from browser.conftest import Visitor

pytestmark = pytest.mark.browser


async def test_a_file_is_published_and_bought_through_the_widget_on_another_site(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    """Same bytes, the events heard by the page around, and no secret in any address."""
    content = secrets.token_bytes(2_500_000)
    link = await publish(visitor, harness, content)
    async with website(harness.url, link) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(site)
        await page.get_by_role("link", name="Buy the song").click()
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_role("heading", name="Field notes")).to_be_visible()
        await frame.get_by_role("button", name="Pay 7").click()
        await expect(frame.locator(".qr svg")).to_be_visible()
        await harness.pay()
        await expect(frame.get_by_text("Payment received", exact=True)).to_be_visible()
        async with page.expect_download() as download:
            await harness.chain.mine()
        saved = await (await download.value).path()
        assert saved.read_bytes() == content
        assert (await download.value).suggested_filename == "notes.bin"
        await expect(frame.get_by_role("heading", name="Your file is ready")).to_be_visible()
        heard = await page.evaluate("heard")
        states = [detail["state"] for name, detail in heard if name == "bitcache:state"]
        assert states == ["new", "processing", "settled"]
        assert [name for name, _ in heard].count("bitcache:unlocked") == 1


async def test_the_dialog_closes_by_escape_backdrop_and_button_and_gives_the_focus_back(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """Escape works with the focus inside the frame too."""
    async with website(harness.url, await harness.sell(b"a song")) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(site)
        for close in (_escape, _escape_in_frame, _backdrop, _button):
            await page.get_by_role("link").click()
            await expect(page.frame_locator("iframe").get_by_role("heading", name="A song")).to_be_visible()
            await close(page)
            await expect(page.locator("dialog")).to_have_count(0)
            await expect(page.get_by_role("link")).to_be_focused()


async def test_with_a_modifier_the_link_is_a_link(visitor: Visitor, harness: BrowserHarness) -> None:
    """A new tab opens, no dialog."""
    async with website(harness.url, await harness.sell(b"a song")) as site:
        visitor.origins.add(site)
        page = await visitor.page()
        await page.goto(site)
        async with page.context.expect_page() as tab:
            await page.get_by_role("link").click(modifiers=["ControlOrMeta"])
        await expect((await tab.value).get_by_role("button", name="Pay 2")).to_be_visible()
        await expect(page.locator("dialog")).to_have_count(0)


async def test_links_are_remembered_in_this_browser_and_sales_are_counted(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """The seller's page after a sale, and in another browser, which does not know the link."""
    page = await visitor.page()
    await _publish_on(page, harness, b"a song")
    await page.get_by_role("button", name="Sell another file").click()
    await expect(page.get_by_text("Field notes")).to_be_visible()
    await expect(page.get_by_text("Not sold yet")).to_be_visible()
    elsewhere = await visitor.page()
    await sellers_page.sign_in(elsewhere, harness)
    await expect(elsewhere.get_by_text("Published elsewhere")).to_be_visible()


async def test_publishing_through_a_proxy_that_takes_small_bodies(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    """nginx takes 1 MB unless told otherwise: the page sends smaller pieces, and the file is for sale."""
    with plain_nginx(tmp_path, int(harness.url.rpartition(":")[2])) as proxy:
        visitor.origins.add(proxy.url)
        page = await visitor.page()
        link = await _publish_on(page, replace(harness, url=proxy.url), secrets.token_bytes(5_000_000))
        visitor.secrets.add(link.split("#")[1])
    visitor.wrong = [line for line in visitor.wrong if "413" not in line]


async def publish(visitor: Visitor, harness: BrowserHarness, content: bytes) -> str:
    """The buyer's link of a file published in the browser."""
    page = await visitor.page()
    link = await _publish_on(page, harness, content)
    visitor.secrets.add(link.split("#")[1])
    return link


async def _publish_on(page: Page, harness: BrowserHarness, content: bytes) -> str:
    await sellers_page.sign_in(page, harness)
    file = {"name": "notes.bin", "mimeType": "application/octet-stream", "buffer": content}
    return await sellers_page.publish(page, file, "Field notes", "7 500")


async def _escape(page: Page) -> None:
    await page.keyboard.press("Escape")


async def _escape_in_frame(page: Page) -> None:
    await page.frame_locator("iframe").get_by_role("button", name="Pay 2").focus()
    await page.keyboard.press("Escape")


async def _backdrop(page: Page) -> None:
    await page.mouse.click(5, 5)


async def _button(page: Page) -> None:
    await page.get_by_role("button", name="Close").click()
