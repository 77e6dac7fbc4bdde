"""Buying with JavaScript off, as far as it goes; then on."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Route, async_playwright, expect

from browser.browser_harness import BrowserHarness, gateway
from browser.chromium import ARGS, CHROMIUM
from browser.conftest import Visitor

pytestmark = pytest.mark.browser


async def test_without_javascript_one_can_pay_and_with_it_go_on(visitor: Visitor, harness: BrowserHarness) -> None:
    """The claim waits in a cookie, and the page with JavaScript finds it."""
    link = await harness.sell(b"a song")
    page = await visitor.buy(link, java_script_enabled=False)
    assert "Turn JavaScript on" in await page.content()
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr img")).to_be_visible()
    await expect(page.get_by_text("No payment received yet.")).to_be_visible()
    assert await page.locator("meta[http-equiv=refresh]").count() == 1
    await harness.pay(1000)
    await _until(page, "1\u202f000\u00a0sat received")
    await harness.pay(1500)
    await harness.chain.mine()
    await _until(page, "Paid and confirmed.")
    await expect(page.get_by_text("turn JavaScript on")).to_be_visible()
    cookies = await page.context.cookies()
    assert [(cookie["name"], cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [("claims", True, "Lax")]
    context = await visitor.context()
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    modern = await context.new_page()
    await modern.goto(link)
    await expect(modern.get_by_role("heading", name="Your file is ready")).to_be_visible()


async def _until(page, text: str) -> None:  # type: ignore[no-untyped-def]
    """Reload as the page itself would, only sooner."""
    for _ in range(40):
        await page.reload()
        if await page.get_by_text(text).count():
            return
        await page.wait_for_timeout(100)
    raise AssertionError(f"{text!r} did not appear")


async def test_what_is_paid_in_part_is_said_and_the_rest_can_be_paid(visitor: Visitor, harness: BrowserHarness) -> None:
    """From the file's page again: pressing Pay makes no second invoice beside one that has money."""
    link = await harness.sell(b"a song")
    page = await visitor.buy(link, java_script_enabled=False)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    address = await page.locator("dd.mono").text_content()
    await harness.pay(1000)
    await harness.chain.mine()
    await _until(page, "1\u202f000\u00a0sat received")
    await page.goto(link)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.get_by_text("1\u202f500\u00a0sat still to pay")).to_be_visible()
    assert str(address) not in await page.content()
    await page.get_by_role("link", name="Pay the remaining 1\u202f500\u00a0sat").click()
    assert await page.locator("dd.mono").text_content() == address
    await page.go_back()
    await page.get_by_role("button", name="Start a new payment").click()
    assert await page.locator("dd.mono").text_content() != address


async def test_another_site_gets_neither_a_purchase_nor_the_claim(harness: BrowserHarness) -> None:
    """Browsers say where a request comes from; only our own page may ask."""
    path = "/f/" + (await harness.sell(b"a song")).split("/f/")[1].split("#")[0]
    async with aiohttp.ClientSession(harness.url) as session:
        foreign = {"Sec-Fetch-Site": "cross-site"}
        async with session.post(f"{path}/pay", headers=foreign, allow_redirects=False) as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
        async with session.get(f"{path}/claim", headers=foreign) as answer:
            assert answer.status == 403
        for origin in ("https://evil.example", "null", harness.url + "0"):
            async with session.post(f"{path}/pay", headers={"Origin": origin}, allow_redirects=False) as answer:
                assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
        async with session.post(f"{path}/pay", headers={"Origin": harness.url}, allow_redirects=False) as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (200, True)
        async with session.get(f"{path}/claim") as answer:
            assert (await answer.json(), "Access-Control-Allow-Origin" in answer.headers) == ({"claims": []}, False)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here")
async def test_over_plain_http_the_origin_tells_our_form_from_another_sites(harness: BrowserHarness) -> None:
    """On a name without TLS browsers send no Sec-Fetch-Site; our pages must name their origin, others are refused."""
    path = "/f/" + (await harness.sell(b"a song")).split("/f/")[1].split("#")[0]
    ours = f"http://gateway.test:{harness.url.rpartition(':')[2]}"
    form = f'<form method="post" action="{ours}{path}/pay"><button>Pay</button></form>'
    async with async_playwright() as play:
        rules = [*ARGS, "--host-resolver-rules=MAP gateway.test 127.0.0.1"]
        browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=rules)
        page = await (await browser.new_context(java_script_enabled=False, locale="en")).new_page()
        for policy in ("unsafe-url", "no-referrer"):
            html = f'<!doctype html><meta name="referrer" content="{policy}">{form}'
            await page.route("http://evil.test/", _shows(html))
            await page.goto("http://evil.test/")
            async with page.expect_response(f"{ours}{path}/pay") as answer:
                await page.get_by_role("button").click()
            assert (await answer.value).status == 403
            assert await page.context.cookies() == []
        await page.goto(ours + path)
        async with page.expect_request(f"{ours}{path}/pay") as request:
            await page.get_by_role("button", name=re.compile("^Pay 2")).click()
        sent = await (await request.value).all_headers()
        assert (sent["origin"], "sec-fetch-site" in sent) == (ours, False)
        await expect(page.locator(".qr img")).to_be_visible()
        await browser.close()


def _shows(html: str) -> Callable[[Route], Awaitable[None]]:
    """Another site's page."""
    return lambda route: route.fulfill(body=html, content_type="text/html")


async def test_a_demonstration_says_so_and_pays_by_itself(chromium: Browser, tmp_path: Path) -> None:
    """The demo wallet, and a banner on every page."""
    async with gateway(tmp_path, demo=True) as harness:
        await harness.payout()
        visitor = Visitor(chromium, {harness.url})
        page = await visitor.buy(await harness.sell(b"a song"))
        await expect(page.get_by_text("no real bitcoin")).to_be_visible()
        await page.get_by_role("button", name=re.compile("^Pay 2")).click()
        await page.get_by_role("button", name="Pay with the demo wallet").click()
        await expect(page.get_by_role("heading", name="Your file is ready")).to_be_visible()
        for path in ("/", "/sell", "/embed", "/nothing"):
            await page.goto(harness.url + path)
            await expect(page.get_by_text("no real bitcoin")).to_be_visible()
