"""Pictures of making an account and of running it, for screenshots.py."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from browser_harness import DESCRIPTOR, gateway
from playwright.async_api import Page
from studio import Studio


async def account_states(studio: Studio) -> None:
    """On a gateway where anybody may sign up."""
    if studio.wanted and not any(name.startswith("account") for name in studio.wanted):
        return
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder), sign_up="open") as harness:
            context = await studio.context()
            page = await context.new_page()
            await page.goto(f"{harness.url}/sell")
            await studio.shoot("account-sign-in", page)
            code = await _new_account(studio, page)
            await page.get_by_label("Descriptor or").fill(DESCRIPTOR)
            await page.get_by_role("button", name="Continue").click()
            await page.get_by_role("button", name="Yes, these").click()
            await page.get_by_role("button", name="Account and security").click()
            await studio.shoot("account-security", page)
            await page.get_by_label("A change waits").select_option(label="24 hours")
            await page.get_by_role("heading", name="Confirm that it is you").wait_for()
            await studio.shoot("account-proof", page)
            await page.get_by_label("Account code").fill(code)
            await page.get_by_role("button", name="Confirm").click()
            await _change(page, code)
            await studio.shoot("account-change", page)
            await context.close()


async def _new_account(studio: Studio, page: Page) -> str:
    await page.get_by_role("button", name="Create an account").click()
    groups = await page.locator(".code-groups li").all_text_contents()
    await studio.shoot("account-code", page)
    await page.get_by_role("button", name="I have kept it").click()
    await studio.shoot("account-confirm", page)
    number = int(re.sub(r"\D", "", await page.locator("label").first.text_content() or ""))
    await page.get_by_label(re.compile("^Group ")).fill(groups[number - 1])
    await page.get_by_label("Your name").fill("Ada’s records")
    await page.get_by_role("button", name="Create an account").click()
    return "-".join(groups)


async def _change(page: Page, code: str) -> None:
    await page.get_by_text("Payout wallet", exact=True).click()
    await page.get_by_role("button", name="Change payout wallet").click()
    await page.get_by_label("Descriptor or").fill(f"tr({DESCRIPTOR.removeprefix('wpkh(')}")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Yes, these").click()
    await page.get_by_label("Account code").fill(code)
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("button", name="Cancel the change").wait_for()
