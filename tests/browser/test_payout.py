"""Where the seller is paid: asked before it is changed, and nothing secret ever leaves the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect
from sqlalchemy import select

from bitcache.storage.tables import payout
from browser.browser_harness import DESCRIPTOR, BrowserHarness
from browser.conftest import Visitor

pytestmark = pytest.mark.browser

KEY = DESCRIPTOR.removeprefix("wpkh(").removesuffix("/0/*)")
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "secrets.json").read_text(encoding="utf-8")
)


@pytest.fixture
async def page(visitor: Visitor, harness: BrowserHarness) -> Page:
    """The seller's page where the payout is changed."""
    page = await visitor.page()
    await page.goto(f"{harness.url}/sell")
    await page.get_by_label("Account code").fill(harness.token)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Payout wallet", exact=True).click()
    await page.get_by_role("button", name="Change payout wallet").click()
    return page


async def accounts(harness: BrowserHarness) -> list[str]:
    """Every account that was ever written down."""
    return await harness.context.store.read(lambda conn: list(conn.scalars(select(payout.c.account))))


async def test_only_the_answer_yes_changes_where_one_is_paid(
    page: Page, harness: BrowserHarness, visitor: Visitor
) -> None:
    """Three addresses to compare; another paste, or leaving it, changes nothing."""
    before = await accounts(harness)
    field = page.get_by_label("Descriptor or")
    await field.fill(f"tr({KEY}/0/*)")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("Are these your addresses?")).to_be_visible()
    assert await page.locator(".addresses li").count() == 3
    assert await accounts(harness) == before
    await page.get_by_role("button", name="No, go back").click()
    await expect(field).to_have_value(f"tr({KEY}/0/*)")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Cancel").click()  # perhaps before the answer came
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    assert await accounts(harness) == before
    await page.get_by_text("Payout wallet", exact=True).click()
    await page.get_by_role("button", name="Change payout wallet").click()
    await field.fill(f"tr({KEY}/0/*)")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Yes, these").click()
    await visitor.prove(page, harness.token)
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    assert sorted(text[:3] for text in await accounts(harness)) == ["tr(", "wpk"]
    await page.get_by_text("Payout wallet", exact=True).click()
    await expect(page.locator(".addresses li").first).to_contain_text("bcrt1p")


async def test_a_key_that_does_not_say_its_addresses_is_asked_for_them(
    page: Page, harness: BrowserHarness, visitor: Visitor
) -> None:
    """The page asks for an xpub, so it goes on with one."""
    await page.get_by_label("Descriptor or").fill(KEY)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("Which addresses do you see there?")).to_be_visible()
    await page.get_by_role("button", name="Nested SegWit").click()
    await expect(page.locator(".addresses li").first).to_contain_text("2")
    await page.get_by_role("button", name="Yes, these").click()
    await visitor.prove(page, harness.token)
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    assert any(text.startswith("sh(wpkh(") for text in await accounts(harness))
    visitor.wrong = [line for line in visitor.wrong if "400" not in line]


async def test_what_is_wrong_is_said_in_words_of_its_own(page: Page, visitor: Visitor) -> None:
    """Not "this cannot receive payments" for everything."""
    field = page.get_by_label("Descriptor or")
    for typed, sentence in {
        "bcrt1qwdgpwfp54x5xw7q2ukm6mmhp44guz7z3sqwjqx": "This is a single address",
        f"wpkh({KEY}/0/5)": "single fixed address",
        f"wpkh({KEY}/0/*)#aaaaaaaa": "The checksum",
        f"wpkh({KEY}/0h/*)": "hardened",
    }.items():
        await field.fill(typed)
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("alert")).to_contain_text(sentence)
    visitor.wrong = [line for line in visitor.wrong if "400" not in line]


async def test_secrets_never_leave_the_browser(page: Page) -> None:
    """Wiped as soon as they are pasted, before anything is pressed; no request is made at all."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    field = page.get_by_label("Descriptor or")
    kinds = {case["kind"]: case["text"] for case in VECTORS["secret"]}
    assert len(kinds) == 6
    for secret in kinds.values():
        await field.fill("")
        await field.fill(secret)
        await expect(page.get_by_role("alert")).to_contain_text("not sent anywhere")
        await expect(field).to_have_value("")
    await page.get_by_role("button", name="Continue").click()
    assert [request.url for request in sent] == []


async def test_files_that_become_too_cheap_are_named_before_and_marked_after(
    page: Page, harness: BrowserHarness, visitor: Visitor
) -> None:
    """Another address type has another dust: nobody is asked for more than was signed."""
    link = await harness.sell(b"a song", price=300)
    await page.get_by_label("Descriptor or").fill(f"sh(wpkh({KEY}/0/*))")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("1 of your files costs less than 540")).to_be_visible()
    await page.get_by_role("button", name="Yes, these").click()
    await visitor.prove(page, harness.token)
    await expect(page.get_by_text("It costs less than 540")).to_be_visible()
    buyer = await visitor.buy(link)
    await expect(buyer.get_by_text("This file costs less than")).to_be_visible()
    await expect(buyer.get_by_role("button", name="Pay")).to_have_count(0)
