"""What bitcache export wrote is opened by the page that is in it: from the disk, without a network."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bitcache.identifiers import FileId
from bitcache.sealing.file_link import parse_link
from browser.browser_harness import BrowserHarness
from browser.test_accessible import complaints
from gateway.client.export_archive import export_all
from gateway.client.gateway_client import connect
from gateway.client.seller_account import SellerAccount

pytestmark = pytest.mark.browser


async def test_the_archive_opens_in_a_browser_from_the_disk(
    chromium: Browser, harness: BrowserHarness, tmp_path: Path
) -> None:
    contents = {"song.flac": os.urandom(5 * 16_384), "notes.txt": b"short", "book.pdf": os.urandom(70_000)}
    links = [parse_link(await harness.sell(content, name)) for name, content in contents.items()]
    known = {FileId(link.file_id): link for link in links}
    target = tmp_path / "all.zip"
    async with connect(harness.url) as client:
        await export_all(client, SellerAccount.of(harness.token), known, target, lambda done, total: None, print)
    with zipfile.ZipFile(target) as archive:
        archive.extract("open.html", tmp_path)
    context = await chromium.new_context(offline=True, accept_downloads=True)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    await page.goto((tmp_path / "open.html").as_uri())
    await page.get_by_label("Archive").set_input_files(target)
    await expect(page.get_by_text("3 files.")).to_be_visible()
    assert await complaints(page) == []
    for name, content in contents.items():
        async with page.expect_download() as waiting:
            await page.get_by_role("button", name=f"Save {name}").click()
        assert (await (await waiting.value).path()).read_bytes() == content
    (tmp_path / "none.zip").write_bytes(b"nothing of the kind")
    await page.get_by_label("Archive").set_input_files(tmp_path / "none.zip")
    await expect(page.get_by_text("This cannot be opened")).to_be_visible()
    assert wrong == []
    await context.close()
