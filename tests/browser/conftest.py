"""Chromium, a gateway to visit, and an eye on everything that must never happen in a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from browser.browser_harness import BrowserHarness, gateway
from browser.chromium import ARGS, CHROMIUM


@dataclass
class Visitor:
    """Opens pages like a person, and notes console errors, requests elsewhere, and addresses that hold a secret."""

    browser: Browser
    origins: set[str]
    secrets: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def context(self, **options: Any) -> BrowserContext:
        """A browser profile of its own; ``script`` runs before those of each page."""
        script = options.pop("script", None)
        context = await self.browser.new_context(locale=options.pop("language", "en"), **options)
        context.set_default_timeout(15_000)
        if script:
            await context.add_init_script(script)
        context.on("request", self._request)
        context.on("console", lambda message: self._console(message.type, message.text))
        context.on("weberror", lambda error: self.wrong.append(f"uncaught: {error.error}"))
        return context

    async def page(self, **options: Any) -> Page:
        """A page in a profile of its own."""
        return await (await self.context(**options)).new_page()

    async def buy(self, link: str, **options: Any) -> Page:
        """The buyer's page of a link, whose share must never be requested."""
        self.secrets.add(link.split("#")[1].split(".")[0])
        page = await self.page(**options)
        await page.goto(link)
        return page

    async def prove(self, page: Page, secret: str) -> None:
        """Answer the page that asks for the account code (or the seller token) before the money goes elsewhere."""
        await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        await page.get_by_label("Account code").fill(secret)
        await page.get_by_role("button", name="Confirm").click()

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append(f"console {kind}: {text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("http", "https") and f"{url.scheme}://{url.netloc}" not in self.origins:
            self.wrong.append(f"request elsewhere: {request.url}")
        sent = request.url.split("#")[0] + (request.post_data or "" if request.method == "POST" else "")
        self.wrong.extend(f"secret in {request.url}" for secret in self.secrets if secret in sent)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[BrowserHarness]:
    """A gateway whose seller can be paid."""
    async with gateway(tmp_path) as built:
        await built.payout()
        yield built


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A real browser."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here")
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(chromium: Browser, harness: BrowserHarness) -> AsyncIterator[Visitor]:
    """Someone with a browser; when the test ends nothing forbidden may have happened."""
    someone = Visitor(chromium, {harness.url})
    yield someone
    assert someone.wrong == []
