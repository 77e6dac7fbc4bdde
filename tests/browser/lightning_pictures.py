"""Pictures of paying by Lightning, and of connecting a wallet, for screenshots.py."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from studio import Studio

sys.path.append(str(Path(__file__).parents[1]))  # behind the others: tests/bitcache is no package of ours

from support.lnurl_service import lnurl_service


async def lightning_states(studio: Studio, link: str) -> None:
    """With a Lightning wallet beside the chain, and with one that keeps buyers waiting."""
    if studio.wanted and not any(name.startswith("lightning") for name in studio.wanted):
        return
    wallet = await studio.harness.lightning()
    context = await studio.context()
    page = await context.new_page()

    async def press_pay() -> None:
        await page.goto(link)
        await page.get_by_role("button", name="Pay 2").click()

    await press_pay()
    await page.get_by_role("button", name="Lightning only").wait_for()
    await page.wait_for_timeout(400)
    await studio.shoot("lightning-any", page)
    await page.get_by_role("button", name="Lightning only").click()
    await studio.shoot("lightning-only", page)
    wallet.pay(await studio.harness.invoice())
    await page.get_by_role("heading", name="Your file is ready").wait_for()
    await studio.shoot("lightning-done", page)
    await context.close()
    await _dear(studio, link)
    context = await studio.context()
    page = await context.new_page()
    wallet.down = True
    await press_pay()
    await page.get_by_role("button", name="Try Lightning again").wait_for()
    await studio.shoot("lightning-unavailable", page)
    await context.close()
    context = await studio.context()
    page = await context.new_page()
    await page.goto(f"{studio.harness.url}/sell")
    await page.get_by_label("Account code").fill(studio.harness.token)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Lightning wallet", exact=True).click()
    await studio.shoot("lightning-seller", page)
    await page.get_by_role("button", name="Connect another wallet").click()
    await page.get_by_label("Wallet connection").fill("nonsense")
    await page.get_by_role("button", name="Connect", exact=True).click()
    await page.get_by_role("alert").wait_for()
    await studio.shoot("lightning-connect", page)
    with tempfile.TemporaryDirectory() as folder:
        async with lnurl_service(Path(folder)) as service:
            service.answers["callback"] = {"pr": "lnbcrt1"}
            await page.get_by_label("Wallet connection").fill(service.address)
            await page.get_by_role("button", name="Connect", exact=True).click()
            await page.get_by_text("does not say whether").wait_for()
            await studio.shoot("lightning-tells-nothing", page)
            service.answers.clear()
            await page.get_by_role("button", name="Connect", exact=True).click()
            await page.get_by_label("Account code").fill(studio.harness.token)
            await page.get_by_role("button", name="Confirm").click()
            await page.get_by_role("button", name="Publish").wait_for()
            await page.get_by_text("Lightning wallet", exact=True).click()
            await studio.shoot("lightning-address", page)
    await context.close()


async def _dear(studio: Studio, link: str) -> None:
    """Where the network's fee is as high as the price, with JavaScript and without."""
    studio.harness.chain.sat_per_kvb = 12_000
    await studio.harness.context.network_fee.ask()
    for name, java_script in (("lightning-dear", True), ("lightning-plain", False)):
        context = await studio.context(scripts=java_script)
        page = await context.new_page()
        await page.goto(link)
        await page.get_by_role("button", name="Pay 2").click()
        await page.wait_for_timeout(600)
        await page.reload()
        await page.wait_for_timeout(400)
        await studio.shoot(name, page)
        await context.close()
    studio.harness.chain.sat_per_kvb = None
    await studio.harness.context.network_fee.ask()
