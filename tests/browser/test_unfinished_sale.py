"""An upload that broke off: coming back, the seller sees what waits and goes on with it, or lets it go."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.sellers_page import fill_in, sign_in, song
from browser.test_accessible import complaints

pytestmark = pytest.mark.browser

SIZE = 6_000_000  #: two pieces of 4 MiB


async def broken_off(visitor: Visitor, harness: BrowserHarness, folder: Path) -> tuple[Page, list[int]]:
    """The seller's page after a reload in the middle of an upload; and where each piece sent since begins."""
    page = await visitor.page(viewport={"width": 390, "height": 844})
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    arrived, sent = asyncio.Event(), list[int]()

    async def first_piece_only(route: Route) -> None:
        offset = int(route.request.headers.get("upload-offset", 0))
        if route.request.method != "PATCH" or offset == 0:
            return await route.continue_()
        return arrived.set()  # this one travels for ever

    await page.context.route("**/api/v1/uploads/*", first_piece_only)
    await sign_in(page, harness)
    await fill_in(page, song(folder, os.urandom(SIZE)), "A long song")
    (folder / "verse.txt").write_text("la la")
    await page.get_by_label("Free sample").set_input_files(folder / "verse.txt")
    await page.get_by_role("button", name="Publish").click()
    async with asyncio.timeout(10):
        await arrived.wait()
    await page.reload()
    await page.context.unroute_all(behavior="ignoreErrors")

    async def note(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(int(route.request.headers["upload-offset"]))
        await route.continue_()

    await page.context.route("**/api/v1/uploads/*", note)
    await expect(page.get_by_role("heading", name="Not finished yet")).to_be_visible()
    return page, sent


async def test_it_goes_on_where_it_stood_with_all_that_was_typed(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page, sent = await broken_off(visitor, harness, tmp_path)
    await expect(page.get_by_text("A long song")).to_be_visible()
    await expect(page.get_by_text("song.flac, 6 MB, for 2 500 sat")).to_be_visible()
    await expect(page.get_by_text("52 % is uploaded, and kept until")).to_be_visible()
    assert await complaints(page) == []
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "song.flac").write_bytes(b"another song")
    await page.get_by_label("Choose song.flac").set_input_files(tmp_path / "other" / "song.flac")
    await expect(page.get_by_text("This is not the same file")).to_be_visible()
    await page.get_by_label("Choose song.flac").set_input_files(tmp_path / "song.flac")
    link = await page.get_by_label("Link for buyers", exact=True).input_value()
    assert sent
    assert min(sent) > 3_000_000, "the first piece was there"
    buyer = await visitor.buy(link)
    await expect(buyer.get_by_role("heading", name="A long song")).to_be_visible()
    await expect(buyer.get_by_text("la la")).to_be_visible()
    await page.get_by_role("button", name="Sell another file").click()
    await expect(page.get_by_text("A long song")).to_be_visible()
    await expect(page.get_by_role("heading", name="Not finished yet")).to_be_hidden()


async def test_it_can_be_let_go(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> None:
    page, _ = await broken_off(visitor, harness, tmp_path)
    async with page.expect_response(lambda answer: answer.request.method == "DELETE") as gone:
        await page.get_by_role("button", name="Discard").click()
    assert (await gone.value).status == 204
    await expect(page.get_by_role("heading", name="Not finished yet")).to_be_hidden()
    await page.reload()
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    await expect(page.get_by_role("heading", name="Not finished yet")).to_be_hidden()


async def test_another_seller_in_the_same_browser_does_not_see_it(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page, _ = await broken_off(visitor, harness, tmp_path)
    stored = await page.evaluate(
        "async () => (await import('/static/seller/unfinished-sales.js')).unfinishedSales('somebody else')"
    )
    assert stored == []


async def test_a_sale_whose_answer_was_lost_is_not_unfinished(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    """The file is on sale, and its link was on this page alone."""
    page = await visitor.page(viewport={"width": 390, "height": 844})
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    listed = asyncio.Event()

    async def no_answer(route: Route) -> None:
        if route.request.method != "POST":
            return await route.continue_()
        await route.fetch()
        return listed.set()

    await page.context.route("**/api/v1/listings", no_answer)
    await sign_in(page, harness)
    await fill_in(page, song(tmp_path), "A song")
    await page.get_by_role("button", name="Publish").click()
    async with asyncio.timeout(10):
        await listed.wait()
    await page.reload()
    await page.context.unroute_all(behavior="ignoreErrors")
    await page.get_by_role("button", name="Link and QR code").click()
    link = await page.get_by_label("Link for buyers", exact=True).input_value()
    buyer = await visitor.buy(link)
    await expect(buyer.get_by_role("heading", name="A song")).to_be_visible()
    await page.get_by_role("button", name="Sell another file").click()
    await expect(page.get_by_text("A song")).to_be_visible()
    await expect(page.get_by_role("heading", name="Not finished yet")).to_be_hidden()
    visitor.wrong = [line for line in visitor.wrong if "404" not in line]  # it is no upload any more
