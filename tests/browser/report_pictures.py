"""Pictures of reporting a file, and of what stands in its place once it is taken down, for screenshots.py."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from browser_harness import BrowserHarness, gateway
from playwright.async_api import Page
from studio import Studio

from bitcache import takedowns
from bitcache.identifiers import FileId

REASON = (
    "A court in Hamburg ordered it (case 310 O 12/26). Write to abuse@gateway.example if you think that this is wrong."
)


async def report_states(studio: Studio) -> None:
    """A report, filled in and sent; then the file is down for a buyer who pays, in the frame, and for its seller."""
    if not studio.wants("report"):
        return
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder)) as harness:
            await harness.payout()
            link = await harness.sell(b"x" * 900_000, "tidal-chart.pdf", "Tidal chart of the Wadden Sea, 1:50 000")
            context = await studio.context()
            page = await context.new_page()
            await _report(studio, page, link)
            await _pay_and_take_down(studio, harness, page, link)
            await _sellers_page(studio, harness, page)
            await context.close()


async def _report(studio: Studio, page: Page, link: str) -> None:
    await page.goto(f"{link.split('#')[0]}/report")
    await studio.shoot("report", page)
    await page.get_by_label("What should the operator know?").fill("The chart is of another sea.")
    await page.get_by_label("The whole link").fill("nonsense")
    await page.get_by_role("button", name="Send report").click()
    await page.get_by_role("alert").wait_for()
    await studio.shoot("report-wrong", page)
    await page.get_by_label("The whole link").fill(link)
    await page.get_by_role("button", name="Send report").click()
    await page.get_by_text("has your report").wait_for()
    await studio.shoot("report-sent", page)


async def _pay_and_take_down(studio: Studio, harness: BrowserHarness, page: Page, link: str) -> None:
    await page.goto(link)
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await page.locator(".qr svg").wait_for()
    await harness.pay(1_000)
    await page.get_by_text("received").first.wait_for()
    file_id = FileId(link.split("/f/")[1].split("#")[0])
    await harness.context.store.write(lambda conn: takedowns.take_down(conn, file_id, REASON, harness.clock()))
    await page.get_by_role("heading", name="This file is not available").wait_for()
    await studio.shoot("down-while-paying", page)
    await page.reload()
    await page.locator("dl.receipt").wait_for()
    await studio.shoot("down", page)
    await page.goto(link.replace("#", "?embed#"))
    await page.locator("dl.receipt").wait_for()
    await studio.shoot("down-frame", page)


async def _sellers_page(studio: Studio, harness: BrowserHarness, page: Page) -> None:
    await page.goto(f"{harness.url}/sell")
    await page.get_by_label("Account code").fill(harness.token)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Taken down by the operator").wait_for()
    await studio.shoot("down-seller", page)
