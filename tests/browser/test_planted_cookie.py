"""Whoever plants a cookie (a sibling's subdomain, another port, a network without TLS) has no invoice paid by it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import BrowserContext, expect

from browser.browser_harness import BrowserHarness, gateway, website
from browser.conftest import Visitor

pytestmark = pytest.mark.browser

SONG = b"a song" * 1000


def path_of(link: str) -> str:
    """``/f/<F>``."""
    return urlsplit(link).path


async def attackers(harness: BrowserHarness, path: str) -> tuple[str, str]:
    """The cookie of a purchase that somebody else began, and the address of its invoice."""
    ours = {"Sec-Fetch-Site": "same-origin"}
    async with (
        aiohttp.ClientSession(harness.url) as session,
        session.post(f"{path}/pay", headers=ours, allow_redirects=False) as answer,
    ):
        return answer.headers["Set-Cookie"].partition(";")[0], await harness.address(0)


async def planted(context: BrowserContext, harness: BrowserHarness, cookie: str) -> None:
    """In the victim's browser."""
    name, _, value = cookie.partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": harness.url}])


async def test_without_javascript_nobody_is_shown_the_planted_invoice(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """Neither after pressing Pay, nor behind a link of the attacker's to the page that shows it."""
    link = await harness.sell(SONG)
    cookie, address = await attackers(harness, path_of(link))
    context = await visitor.context(java_script_enabled=False)
    await planted(context, harness, cookie)
    page = await context.new_page()
    purchase_id = (await _claimed(harness, cookie, link))["purchase_id"]
    for theirs in (f"{path_of(link)}/pay", f"{path_of(link)}/pay/{purchase_id}"):
        async with website(harness.url, harness.url + theirs) as site:
            visitor.origins.add(site)
            await page.goto(site)
            await page.get_by_role("link").click()
            await expect(page.get_by_role("heading", name="Pay for this file")).to_be_visible()
            assert address not in await page.content()
            assert await page.locator(".qr").count() == 0
    await page.goto(link)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr img")).to_be_visible()
    assert address not in await page.content()
    mine = await page.locator("dd.mono").text_content()
    await planted(context, harness, cookie)  # while the page waits
    await page.reload()
    assert address not in await page.content()
    assert mine != address


async def test_with_javascript_nobody_is_shown_the_planted_invoice(visitor: Visitor, harness: BrowserHarness) -> None:
    """A cookie's claim is as foreign as a link's; once somebody paid it, it opens the file."""
    link = await harness.sell(SONG)
    cookie, address = await attackers(harness, path_of(link))
    context = await visitor.context()
    await planted(context, harness, cookie)
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr svg")).to_be_visible()
    assert str(await page.locator(".address").text_content()) != address
    await harness.chain.pay(address, 2500)  # type: ignore[arg-type]
    await harness.chain.mine()
    await page.wait_for_timeout(500)
    await page.reload()
    await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()


async def test_the_browsers_own_page_alone_shows_where_to_pay(harness: BrowserHarness) -> None:
    """By what browsers say of a request's origin: with TLS in Sec-Fetch-Site, without it in Referer."""
    path = path_of(await harness.sell(SONG))
    async with aiohttp.ClientSession(harness.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        ours = {"Sec-Fetch-Site": "same-origin"}
        async with session.post(f"{path}/pay", headers=ours, allow_redirects=False) as answer:
            shown = answer.headers["Location"]
        address = await harness.address(0)
        own = f"{harness.url}{path}"
        for headers, seen in (
            (ours, True),
            ({"Referer": own}, True),
            ({"Sec-Fetch-Site": "cross-site", "Referer": own}, False),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Sec-Fetch-Site": "none"}, False),
            ({"Referer": "http://evil.example/"}, False),
            ({"Referer": f"{harness.url}0/"}, False),
            ({}, False),
        ):
            async with session.get(shown, headers=headers) as answer:
                assert (address in await answer.text()) is seen, headers
        async with session.post(f"{path}/pay", headers={"Origin": harness.url}, allow_redirects=False) as answer:
            text = await answer.text()  # this browser never says more: here or never
        assert (answer.status, await harness.address(1) in text, "refresh" in text) == (200, True, False)


async def test_pressing_pay_again_loses_no_claim(harness: BrowserHarness) -> None:
    """Each press makes an invoice; whichever is paid is found, and then no other is made."""
    path = path_of(await harness.sell(SONG))
    async with aiohttp.ClientSession(harness.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        ours = {"Sec-Fetch-Site": "same-origin"}
        for _ in range(3):
            async with session.post(f"{path}/pay", headers=ours) as answer:
                assert answer.status == 200
        addresses = [await harness.address(index) for index in range(3)]
        assert len(set(addresses)) == 3
        await harness.chain.pay(addresses[0], 2500)  # type: ignore[arg-type]
        await harness.chain.mine()
        for _ in range(100):
            async with session.post(f"{path}/pay", headers=ours) as answer:
                text = await answer.text()
            if "Paid and confirmed." in text:
                break
        assert "Paid and confirmed." in text
        async with session.get(f"{path}/claim", headers=ours) as answer:
            assert len((await answer.json())["claims"]) >= 3


async def test_with_tls_only_this_host_can_set_the_cookie(tmp_path: Path) -> None:
    """``__Host-``: browsers take it from no sibling and over no plain connection; another name is not read."""
    async with gateway(tmp_path, public_url="https://shop.example") as harness:
        await harness.payout()
        path = path_of(await harness.sell(SONG))
        async with aiohttp.ClientSession(harness.url) as session:
            ours = {"Sec-Fetch-Site": "same-origin"}
            async with session.post(f"{path}/pay", headers=ours, allow_redirects=False) as answer:
                set_cookie = answer.headers["Set-Cookie"]
            assert set_cookie.startswith("__Host-claims=")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(set_cookie.split("; "))
            assert "Domain" not in set_cookie
            value = set_cookie.partition("=")[2].partition(";")[0]
            for name, count in (("__Host-claims", 1), ("claims", 0)):
                async with session.get(f"{path}/claim", headers=ours | {"Cookie": f"{name}={value}"}) as answer:
                    assert len((await answer.json())["claims"]) == count


async def test_a_cookie_that_hides_ours_hides_nothing(harness: BrowserHarness) -> None:
    """Browsers send every cookie of a name; all are read, and their number is bounded."""
    path = path_of(await harness.sell(SONG))
    theirs, _ = await attackers(harness, path)
    async with aiohttp.ClientSession(harness.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        ours = {"Sec-Fetch-Site": "same-origin"}
        async with session.post(f"{path}/pay", headers=ours, allow_redirects=False) as answer:
            mine = answer.headers["Set-Cookie"].partition(";")[0]
    async with aiohttp.ClientSession(harness.url) as session:
        flood = "; ".join([theirs, "x=1", f"{theirs.partition('=')[0]}=nonsense", mine] + [theirs] * 20)
        async with session.get(f"{path}/claim", headers=ours | {"Cookie": flood}) as answer:
            assert set((await answer.json())["claims"]) == {claim.rpartition(".")[2] for claim in (theirs, mine)}


async def _claimed(harness: BrowserHarness, cookie: str, link: str) -> dict[str, str]:
    claim = cookie.rpartition(".")[2] if "." in cookie else cookie.rpartition("=")[2]
    headers = {"Authorization": f"Bearer {claim}"}
    async with aiohttp.ClientSession(harness.url) as session, session.get("/api/v1/claim", headers=headers) as answer:
        purchase: dict[str, str] = await answer.json()
    assert purchase["file_id"] in link
    return purchase
