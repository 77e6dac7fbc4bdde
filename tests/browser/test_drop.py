"""What is dropped on the seller's page, or changes on the disk after it was chosen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from bitcache.storage.tables import upload
from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.sellers_page import sign_in

pytestmark = pytest.mark.browser


async def sellers_page(visitor: Visitor, harness: BrowserHarness) -> Page:
    """Signed in."""
    page = await visitor.page()
    await sign_in(page, harness)
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    return page


async def drop(page: Page, *paths: Path) -> None:
    """Files or folders dragged from the desktop."""
    box = await page.locator(".drop").bounding_box()
    assert box is not None
    session = await page.context.new_cdp_session(page)
    data: dict[str, Any] = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "data": data}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, **place})


async def uploads(harness: BrowserHarness) -> list[str]:
    """What lies at the gateway and is not on sale."""
    return await harness.context.store.read(lambda conn: list(conn.scalars(select(upload.c.file_id))))


async def test_a_folder_is_refused_at_the_drop(visitor: Visitor, harness: BrowserHarness, tmp_path: Path) -> None:
    """In a sentence that says what to do, and nothing is uploaded; one file is taken."""
    folder, one, two = tmp_path / "folder", tmp_path / "one.txt", tmp_path / "two.txt"
    folder.mkdir()
    for path in (one, two, folder / "inside.txt"):
        path.write_text("la la la")
    page = await sellers_page(visitor, harness)
    await drop(page, folder)
    await expect(page.get_by_text("This is a folder")).to_be_visible()
    await drop(page, folder, two)
    await expect(page.get_by_text("This is a folder")).to_be_visible()
    await page.get_by_label("Price").fill("2500")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Choose a file first")).to_be_visible()
    await drop(page, one)
    await expect(page.locator(".drop strong")).to_have_text("one.txt")
    await expect(page.get_by_label("Title")).to_have_value("one")
    assert await uploads(harness) == []


@pytest.mark.parametrize("change", ["grows", "disappears"])
async def test_a_file_that_changes_after_it_was_chosen_is_not_sold(
    visitor: Visitor, harness: BrowserHarness, tmp_path: Path, change: str
) -> None:
    """A clear sentence, and no upload left behind."""
    path = tmp_path / "song.flac"
    path.write_bytes(b"la" * 100)
    page = await sellers_page(visitor, harness)
    await page.locator(".drop input").set_input_files(path)
    await page.get_by_label("Price").fill("2500")
    await asyncio.sleep(1.1)  # a browser compares times in whole seconds
    if change == "grows":
        path.write_bytes(b"la" * 200)
    else:
        path.unlink()
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("alert")).to_contain_text("ile")
    told = await page.get_by_role("alert").inner_text()
    assert "changed while it was being read" in told or "cannot be read" in told
    assert await uploads(harness) == []
