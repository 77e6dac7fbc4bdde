"""The free sample in a real browser: a photograph becomes what buyers see, and keeps its secrets to itself."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, expect
from support.photo import OWNER, take_photo

from bitcache.identifiers import FileId, parse_file_id
from bitcache.sealing.file_link import parse_link
from bitcache.sealing.metadata import MAX_PREVIEW, open_preview
from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.sellers_page import fill_in, sign_in, song
from browser.test_accessible import complaints
from gateway.client.gateway_client import connect

pytestmark = pytest.mark.browser


async def form(visitor: Visitor, harness: BrowserHarness, folder: Path) -> Page:
    """The form, filled in but for the sample."""
    page = await visitor.page(viewport={"width": 390, "height": 844})
    await sign_in(page, harness)
    await fill_in(page, song(folder), "A song")
    return page


async def sealed_sample(harness: BrowserHarness, file_id: FileId) -> bytes:
    """As the gateway has it."""
    async with connect(harness.url) as client, client.open("GET", f"/files/{file_id}/preview") as response:
        return await response.read()


async def test_buyers_see_the_picture_and_not_who_took_it(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page = await form(visitor, harness, tmp_path)
    await page.get_by_label("Free sample").set_input_files(take_photo(tmp_path / "photo.jpg"))
    await expect(page.locator(".sale-form .preview img")).to_be_visible()
    await expect(page.get_by_text("Where and when it was taken is left out")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Publish").click()
    text = await page.get_by_label("Link for buyers", exact=True).input_value()
    link = parse_link(text)
    sample = open_preview(await sealed_sample(harness, parse_file_id(link.file_id)), link.link_share, link.file_id)
    assert (sample.media_type, len(sample.content) <= MAX_PREVIEW) == ("image/webp", True)
    for told in (OWNER.encode(), b"Exif", b"EXIF", b"GPS"):
        assert told not in sample.content
    with Image.open(io.BytesIO(sample.content)) as shown:
        assert shown.height <= 1280
        assert shown.width < shown.height, "upright"
    buyer = await visitor.buy(text)
    await expect(buyer.locator(".preview img")).to_be_visible()


async def test_what_is_no_picture_is_refused_and_the_sale_goes_on_without(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page = await form(visitor, harness, tmp_path)
    (tmp_path / "photo.heic").write_bytes(b"what this browser does not know")
    await page.get_by_label("Free sample").set_input_files(tmp_path / "photo.heic")
    await expect(page.get_by_text("This browser cannot show this picture")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Your file is for sale")).to_be_visible()


async def test_a_text_is_shown_as_buyers_will_read_it(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path
) -> None:
    page = await form(visitor, harness, tmp_path)
    (tmp_path / "verse.txt").write_text("la la la")
    await page.get_by_label("Free sample").set_input_files(tmp_path / "verse.txt")
    await expect(page.locator(".sale-form .preview pre")).to_have_text("la la la")
    await expect(page.get_by_text("This is what buyers see (8 bytes)")).to_be_visible()
