"""Reporting a file in a real browser, and what its page says once the operator has taken it down."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bitcache import reports, takedowns
from bitcache.identifiers import FileId
from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from browser.test_accessible import complaints

pytestmark = pytest.mark.browser


async def test_a_visitor_reports_and_the_operator_takes_down(visitor: Visitor, harness: BrowserHarness) -> None:
    """By keyboard; the link is disclosed only by who pastes it."""
    link = await harness.sell(b"a song")
    page = await visitor.buy(link, viewport={"width": 390, "height": 844})
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="Report this file").press("Enter")
    form = await opening.value
    await expect(form.get_by_role("heading", name="Report this file")).to_be_visible()
    assert await complaints(form) == []
    await form.get_by_label("What is wrong?").select_option("fraud")
    await form.get_by_label("What should the operator know?").fill("It is noise")
    await form.get_by_label("The whole link").fill("nonsense")
    await form.get_by_role("button", name="Send report").press("Enter")
    await expect(form.get_by_role("alert")).to_contain_text("not the link of this file")
    await expect(form.get_by_label("What should the operator know?")).to_have_value("It is noise")
    assert await complaints(form) == []
    visitor.secrets.clear()  # the reporter sends it now, of their own will
    await form.get_by_label("The whole link").fill(link)
    await form.get_by_role("button", name="Send report").press("Enter")
    await expect(form.get_by_text("has your report")).to_be_visible()
    store, key = harness.context.store, harness.context.master_key
    [kept] = await store.read(lambda conn: reports.queue(conn, key))
    assert (kept.kind, kept.text) == ("fraud", "It is noise")
    assert kept.link_share is not None
    file_id = FileId(kept.file_id)
    await store.write(lambda conn: takedowns.take_down(conn, file_id, "A court said so.", harness.clock()))
    await page.get_by_role("button", name="Pay").click()
    await expect(page.get_by_text("A court said so.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("has taken this file down")).to_be_visible()
    await expect(page.get_by_text("A court said so.")).to_be_visible()
    assert await complaints(page) == []
    visitor.wrong = [line for line in visitor.wrong if "451" not in line and "400" not in line]
