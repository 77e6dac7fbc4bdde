"""While many unpaid invoices are open the page does a proof of work by itself."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bitcache.errors import WorkRequired
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.sealing.file_link import parse_link
from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor
from gateway.api.models import Purchase
from gateway.client.gateway_client import connect

pytestmark = pytest.mark.browser


async def take_invoices(harness: BrowserHarness, link: str) -> None:
    """As many as a program gets that knows nothing of proofs."""
    async with connect(harness.url) as client:
        for _ in range(100):
            body = {"claim_hash": b64u(claim_hash(new_secret()))}
            try:
                await client.call(Purchase, "POST", f"/files/{parse_link(link).file_id}/purchases", json=body)
            except WorkRequired:
                return
    raise AssertionError("no work was asked for")


async def test_the_page_works_unseen(visitor: Visitor, harness: BrowserHarness) -> None:
    """One press of the button as ever; what the browser did in between shows in the requests alone."""
    link = await harness.sell(b"a song")
    await take_invoices(harness, link)
    page = await visitor.buy(link)
    sent: list[int] = []
    page.on("response", lambda got: sent.append(got.status) if got.url.endswith("/purchases") else None)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr svg")).to_be_visible()
    assert sent[0] == 429
    assert sent[-1] == 201
    visitor.wrong = [
        message for message in visitor.wrong if "429" not in message
    ]  # the browser says every such answer aloud


async def test_without_javascript_the_page_says_how_to_go_on(visitor: Visitor, harness: BrowserHarness) -> None:
    """Wait, or JavaScript, or the command line."""
    link = await harness.sell(b"a song")
    await take_invoices(harness, link)
    page = await visitor.buy(link, java_script_enabled=False)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.get_by_role("heading", name="Many people are buying right now")).to_be_visible()
    await expect(page.get_by_text("turn JavaScript on")).to_be_visible()
    visitor.wrong = [message for message in visitor.wrong if "429" not in message]
