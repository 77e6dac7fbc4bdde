"""Pictures of the seller's desk after some sales, for screenshots.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

from browser_harness import BrowserHarness, gateway
from playwright.async_api import Page
from studio import Studio

from bitcache.identifiers import b64u, claim_hash, new_secret

#: Sales of each of the last days.
DAYS = (1, 0, 2, 1, 3, 0, 4, 2)


async def desk_states(studio: Studio) -> None:
    """A file that was sold on both rails within a week, a payment that waits, and one that is not whole."""
    if not studio.wants("desk"):
        return
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder)) as harness:
            await harness.payout()
            context = await studio.context()
            page = await context.new_page()
            await page.goto(f"{harness.url}/sell")
            await page.get_by_label("Account code").fill(harness.token)
            await page.get_by_role("button", name="Sign in").click()
            link = await _publish(page)
            file_id = link.split("/f/")[1].split("#")[0]
            await _sell(harness, page, file_id)
            await page.get_by_role("button", name="Sell another file").click()
            await page.get_by_text("waiting for confirmation").first.wait_for()
            await studio.shoot("desk", page)
            buyer = await context.new_page()
            await buyer.goto(link)
            await buyer.get_by_text("Sold by").wait_for()
            await studio.shoot("desk-buyer", buyer)
            await page.get_by_role("button", name="Manage").click()
            await page.get_by_role("button", name="Save", exact=True).wait_for()
            await studio.shoot("desk-manage", page)
            await page.get_by_role("button", name="Pause sales").click()
            await page.get_by_text("Withdraw from sale").click()
            await page.get_by_text("Delete", exact=True).click()
            await studio.shoot("desk-paused", page)
            await page.get_by_role("button", name="Delete the file").click()
            await page.get_by_text("Its buyers can download").wait_for()
            await studio.shoot("desk-deleted", page)
            await buyer.reload()
            await buyer.get_by_text("no longer sells").wait_for()
            await studio.shoot("desk-buyer-withdrawn", buyer)
            await context.close()


async def _publish(page: Page) -> str:
    file = {"name": "tidal-chart.pdf", "mimeType": "application/pdf", "buffer": b"x" * 3_100}
    await page.locator(".drop input").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_label("Title").fill("Tidal chart of the Wadden Sea, 1:50 000")
    await page.get_by_label("Price").fill("12 000")
    await page.get_by_text("Description and contact").click()
    await page.get_by_label("Description", exact=True).fill(
        "Depths from the **2026** survey, in one sheet:\n\n- 1:50 000, A1\n- [how it was made](https://survey.example/method)"
    )
    await page.get_by_label("Who sells it").fill("Wadden Press, charts@wadden.example")
    await page.get_by_role("button", name="Publish").click()
    return await page.get_by_label("Link for buyers", exact=True).input_value()


async def _sell(harness: BrowserHarness, page: Page, file_id: str) -> None:
    wallet = await harness.lightning()
    harness.clock.ahead = -86_400 * (len(DAYS) - 1)
    for number in DAYS:
        for turn in range(number):
            await _order(harness, page, file_id)
            if turn % 2:
                await page.wait_for_timeout(300)  # the wallet is asked beside the answer
                wallet.pay(await harness.invoice())
            else:
                await harness.pay()
        await harness.chain.mine()
        harness.clock.ahead += 86_400
    harness.clock.ahead -= 86_400
    for amount in (4_000, None):
        await _order(harness, page, file_id)
        await harness.pay(amount)


async def _order(harness: BrowserHarness, page: Page, file_id: str) -> None:
    asked = {"claim_hash": b64u(claim_hash(new_secret()))}
    made = await page.request.post(f"{harness.url}/api/v1/files/{file_id}/purchases", data=asked)
    if not made.ok:
        raise AssertionError(await made.text())
