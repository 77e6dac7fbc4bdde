"""Accounts in a real browser: made, kept, found again elsewhere; and what a session cannot do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from bitcache.account_code import new_account_code, parse, token_of
from browser.browser_harness import DESCRIPTOR, BrowserHarness, gateway
from browser.conftest import Visitor
from browser.sellers_page import publish, song
from browser.test_accessible import complaints

pytestmark = pytest.mark.browser

OTHER = f"tr({DESCRIPTOR.removeprefix('wpkh(')}"


@pytest.fixture
async def open_door(tmp_path: Path) -> AsyncIterator[BrowserHarness]:
    """A gateway where anybody may sign up."""
    async with gateway(tmp_path / "open", sign_up="open") as built:
        yield built


@pytest.fixture
async def guest(open_door: BrowserHarness, chromium: Browser) -> AsyncIterator[Visitor]:
    """Somebody whom the gateway does not know."""
    visitor = Visitor(chromium, {open_door.url})
    yield visitor
    assert visitor.wrong == []


async def new_account(visitor: Visitor, url: str, **options: Any) -> tuple[Page, str]:
    """The page of somebody who has just signed up, and the account code."""
    page = await visitor.page(viewport={"width": 390, "height": 844}, **options)
    await page.goto(url)
    await page.get_by_role("button", name="Create an account").press("Enter")
    await expect(page.get_by_role("heading", name="Your account code")).to_be_visible()
    groups = await page.locator(".code-groups li").all_text_contents()
    visitor.secrets.update({"".join(groups), "-".join(groups)})
    assert await complaints(page) == []
    await page.get_by_role("button", name="I have kept it").press("Enter")
    asked = page.get_by_label(re.compile("^Group [1-7] of your account code"))
    number = int(re.sub(r"\D", "", await page.locator("label").first.text_content() or ""))
    await page.get_by_label("Your name or shop name").fill("Ada")
    await asked.fill("0000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("This is not that group")).to_be_visible()
    assert await complaints(page) == []
    await asked.fill(groups[number - 1].lower())
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Where do you want to be paid?")).to_be_visible()
    return page, "-".join(groups)


async def be_paid(page: Page, descriptor: str) -> None:
    """Name the account on the chain and say yes."""
    await page.get_by_label("Descriptor or").fill(descriptor)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Yes, these").click()


async def sign_in(visitor: Visitor, url: str, secret: str, **options: Any) -> Page:
    """The seller's page in another browser."""
    page = await visitor.page(**options)
    await page.goto(url)
    await page.get_by_label("Account code").fill(secret)
    await page.keyboard.press("Enter")
    return page


async def publish_song(page: Page, folder: Path) -> str:
    """Put a file on sale by the form; return its link."""
    link = await publish(page, song(folder), "A song of mine")
    await expect(page.get_by_text("Your file is for sale")).to_be_visible()
    return link


async def test_a_newcomer_sells_and_finds_everything_again_elsewhere(
    guest: Visitor, open_door: BrowserHarness, tmp_path: Path
) -> None:
    """By keyboard where that is enough; the code itself is in no request, and the gateway cannot read a title."""
    page, code = await new_account(guest, f"{open_door.url}/sell")
    await be_paid(page, DESCRIPTOR)
    await publish_song(page, tmp_path)
    other = await sign_in(guest, f"{open_door.url}/sell", code.replace("-", " ").lower())
    await expect(other.get_by_text("A song of mine")).to_be_visible()
    await expect(other.get_by_role("button", name="Publish")).to_be_visible()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "open").rglob("*") if path.is_file())
    assert b"A song of mine" not in kept
    assert code.encode() not in kept


REFUSED = """
  const refuse = () => { throw new Error("refused"); };
  Object.assign(Storage.prototype, { getItem: refuse, setItem: refuse, removeItem: refuse });
  IDBFactory.prototype.open = refuse;
"""


async def test_a_browser_that_keeps_nothing_sells_and_loses_nothing(
    guest: Visitor, open_door: BrowserHarness, tmp_path: Path
) -> None:
    """The link is shown, and it lies sealed at the gateway for the next sign-in."""
    page, code = await new_account(guest, f"{open_door.url}/sell", script=REFUSED)
    await be_paid(page, DESCRIPTOR)
    assert "#" in await publish_song(page, tmp_path)
    other = await sign_in(guest, f"{open_door.url}/sell", code, script=REFUSED)
    await expect(other.get_by_text("A song of mine")).to_be_visible()


async def test_a_code_that_is_none_is_refused_in_words(guest: Visitor, open_door: BrowserHarness) -> None:
    """Before anything is sent."""
    page = await sign_in(guest, f"{open_door.url}/sell", "0000-0000")
    await expect(page.get_by_role("alert")).to_contain_text("This is not an account code")
    assert await complaints(page) == []


async def test_without_a_sign_up_nobody_is_offered_one(visitor: Visitor, harness: BrowserHarness) -> None:
    page = await visitor.page()
    await page.goto(f"{harness.url}/sell")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.get_by_role("button", name="Create an account").count() == 0


async def test_the_money_goes_elsewhere_only_with_the_code_and_after_the_delay(
    guest: Visitor, open_door: BrowserHarness
) -> None:
    """The change is shown on every screen meanwhile, and is cancelled at a press."""
    page, code = await new_account(guest, f"{open_door.url}/sell")
    await be_paid(page, DESCRIPTOR)
    await page.get_by_role("button", name="Account and security").click()
    assert await complaints(page) == []
    await page.get_by_label("A change waits").select_option(label="24 hours")
    await page.get_by_label("Account code").fill(code)
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_text("Payout wallet", exact=True).click()
    await page.get_by_role("button", name="Change payout wallet").click()
    await be_paid(page, OTHER)
    await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_label("Account code").fill("0000-0000")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("alert")).to_contain_text("not an account code")
    await page.get_by_label("Account code").fill(code)
    await page.get_by_role("button", name="Confirm").click()
    notice = page.get_by_text(re.compile("Your payout wallet will change on"))
    await expect(notice).to_be_visible()
    assert await complaints(page) == []
    await page.get_by_text("Payout wallet", exact=True).click()
    await expect(page.locator(".addresses li").first).to_contain_text("bcrt1q")
    await page.get_by_role("button", name="Cancel the change").click()
    await expect(notice).to_have_count(0)


async def test_a_browser_never_holds_what_moves_the_money(visitor: Visitor, harness: BrowserHarness) -> None:
    """Whoever signs in by the seller token holds a session too, and its links stay with its account."""
    page = await sign_in(visitor, f"{harness.url}/sell", harness.token)
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    held = await page.evaluate("() => JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "bitcache.token" in held
    assert harness.token not in held


async def test_links_stay_with_their_account(guest: Visitor, open_door: BrowserHarness, tmp_path: Path) -> None:
    """Two sellers use one browser: neither sees the other's files, and both see their own again."""
    page, first = await new_account(guest, f"{open_door.url}/sell")
    await be_paid(page, DESCRIPTOR)
    await publish_song(page, tmp_path)
    await page.evaluate("() => sessionStorage.clear()")  # the session ran out
    second = new_account_code()
    made = await page.request.post(
        f"{open_door.url}/api/v1/accounts", data={"token": token_of(parse(second)), "name": "Eve"}
    )
    assert made.ok
    await page.goto(f"{open_door.url}/sell")
    await page.get_by_label("Account code").fill(second)
    await page.keyboard.press("Enter")
    await be_paid(page, DESCRIPTOR)
    await expect(page.get_by_role("button", name="Publish")).to_be_visible()
    kept = await page.evaluate(
        "() => Object.values(localStorage).filter((value) => value.includes('A song of mine')).length"
    )
    assert kept == 1
    other = await sign_in(guest, f"{open_door.url}/sell", second)
    await expect(other.get_by_role("button", name="Publish")).to_be_visible()
    stored = await other.evaluate("() => JSON.stringify({...localStorage})")
    assert "A song of mine" not in stored
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("Account code").fill(first)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("A song of mine")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "A song of mine" not in await page.evaluate("() => JSON.stringify({...localStorage})")


async def test_sessions_are_seen_and_revoked_and_tokens_shown_once(guest: Visitor, open_door: BrowserHarness) -> None:
    page, code = await new_account(guest, f"{open_door.url}/sell")
    await be_paid(page, DESCRIPTOR)
    thief = await sign_in(guest, f"{open_door.url}/sell", code)
    await expect(thief.get_by_role("button", name="Publish")).to_be_visible()
    await page.get_by_role("button", name="Account and security").click()
    await expect(page.get_by_text("this browser")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Revoke ")).click()
    await expect(page.get_by_role("button", name=re.compile("^Revoke "))).to_have_count(0)
    await thief.reload()
    await expect(thief.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.get_by_text("New token").first.click()
    await page.get_by_label("What is it for?").fill("shop")
    await page.locator("form").get_by_role("button", name="New token").click()
    token = await page.get_by_label("Token", exact=True).input_value()
    assert re.fullmatch(r"[\w-]{43}", token)
    assert token != token_of(parse(code))
    assert await complaints(page) == []
    await page.get_by_role("button", name="Back").click()
    await page.get_by_role("button", name="Account and security").click()
    await expect(page.get_by_text("shop").first).to_be_visible()
    assert await page.get_by_label("Token", exact=True).count() == 0
    await page.get_by_role("button", name="Back").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    guest.wrong = [line for line in guest.wrong if "401" not in line]
