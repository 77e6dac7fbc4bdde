"""Pictures of every page in every state, to look at: ``python tests/browser/screenshots.py [state …]``.

Narrow and wide, light and dark, into test-results/screens/.  The state "docs" makes the README's two pictures.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from account_pictures import account_states
from browser_harness import DESCRIPTOR, gateway, website
from chromium import ARGS, CHROMIUM
from desk_pictures import desk_states
from lightning_pictures import lightning_states
from playwright.async_api import Page, Route, async_playwright
from report_pictures import report_states
from studio import OUT, Studio

from bitcache.sealing.metadata import Preview

DOCS = Path(__file__).parents[2] / "docs" / "images"
POEM = b"""The road not taken

Two roads diverged in a yellow wood,
And sorry I could not travel both
And be one traveler.
"""


async def buyer_states(studio: Studio, link: str, text_link: str, large_link: str) -> None:
    harness = studio.harness

    async def state(name: str, prepare: Callable[[Page], Awaitable[None]], to: str = link, **options: object) -> None:
        if not studio.wants(name):
            return
        context = await studio.context(**options)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(to)
        await prepare(page)
        await page.wait_for_timeout(400)
        await studio.shoot(name, page)
        await context.close()

    async def nothing(page: Page) -> None:
        await page.locator("h1").wait_for()

    async def press_pay(page: Page) -> None:
        await page.get_by_role("button", name="Pay 2").click()
        await page.locator(".qr svg").wait_for()

    async def partial(page: Page) -> None:
        await press_pay(page)
        await harness.pay(1000)
        await page.locator(".notice.warn:visible").wait_for()

    async def seen(page: Page) -> None:
        await press_pay(page)
        await harness.pay()
        await page.get_by_text("Downloaded", exact=True).wait_for()

    async def done(page: Page) -> None:
        await seen(page)
        await harness.chain.mine()
        await page.get_by_role("heading", name="Your file is ready").wait_for()

    async def over(page: Page) -> None:
        await press_pay(page)
        await harness.pay(3000)
        await page.get_by_text("Payment received", exact=True).wait_for()

    async def late(page: Page) -> None:
        await press_pay(page)
        await harness.expire()
        await page.get_by_role("heading", name="This payment request has expired").wait_for()
        await harness.pay()
        await page.get_by_text("Payment received", exact=True).wait_for()

    async def expired(page: Page) -> None:
        await press_pay(page)
        await harness.expire()
        await page.get_by_role("heading", name="This payment request has expired").wait_for()

    async def expired_partly(page: Page) -> None:
        await press_pay(page)
        await harness.pay(1000)
        await page.locator(".notice.warn:visible").wait_for()
        await harness.expire()
        await page.get_by_role("heading", name="This payment request has expired").wait_for()

    async def says_paid(page: Page) -> None:
        await expired(page)
        await page.get_by_role("button", name="I already paid").click()

    async def undone(page: Page) -> None:
        await done(page)
        await harness.chain.reorg(1, keep=False)
        await page.get_by_text("blocks that confirmed").wait_for(timeout=40_000)

    async def offline(page: Page) -> None:
        await press_pay(page)
        await page.context.set_offline(True)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await page.get_by_text("You are offline").wait_for()

    async def dishonest(page: Page) -> None:
        async def handle(route: Route) -> None:
            answer = await route.fetch()
            await route.fulfill(response=answer, json={**await answer.json(), "due_sat": 25_000})

        await page.route("**/api/v1/files/*/purchases", handle)
        await page.get_by_role("button", name="Pay 2").click()
        await page.get_by_role("heading", name="Do not pay here").wait_for()

    async def open_questions(page: Page) -> None:
        for summary in await page.locator("summary").all():
            await summary.click()

    await state("offer", nothing)
    await state("offer-text", nothing, text_link)
    await state("offer-questions", open_questions)
    await state("offer-french", nothing, language="fr")
    await state("invoice", press_pay)
    await state("invoice-partial", partial)
    await state("invoice-offline", offline)
    await state("seen", seen)
    await state("done", done)
    await state("done-text", done, text_link)
    await state("over", over)
    await state("late", late)
    await state("expired", expired)
    await state("expired-partly", expired_partly)
    await state("expired-says-paid", says_paid)
    await state("undone", undone)
    await state("dishonest", dishonest)
    await state("link-unpaid", nothing, f"{link}.{'A' * 43}")
    await state("large-sample", nothing, large_link)
    await state("no-link-share", nothing, link.split("#")[0])
    await state("wrong-link", nothing, link[:-4] + "AAAA")
    await state("missing", nothing, f"{harness.url}/nothing")
    await state("home", nothing, harness.url)
    await state("embed-page", nothing, f"{harness.url}/embed")
    await state("embed-frame", nothing, link.replace("#", "?embed#"))
    await state("embed-done", done, link.replace("#", "?embed#"))
    await state("plain-offer", nothing, scripts=False)

    async def plain_pay(page: Page) -> None:
        await page.get_by_role("button", name="Pay 2").click()
        await page.locator(".qr img").wait_for()

    async def plain_paid(page: Page) -> None:
        await plain_pay(page)
        await harness.pay()
        await harness.chain.mine()
        await page.wait_for_timeout(800)
        await page.reload()

    await state("plain-pay", plain_pay, scripts=False)
    await state("plain-paid", plain_paid, scripts=False)
    await harness.pause("second_opinion")
    await state("paused", nothing)
    await harness.pause(None)


async def widget_state(studio: Studio, link: str) -> None:
    if not studio.wants("widget"):
        return
    async with website(studio.harness.url, link) as site:
        context = await studio.context()
        page = await context.new_page()
        await page.goto(site)
        await page.get_by_role("link").click()
        await page.frame_locator("iframe").get_by_role("button", name="Pay 2").wait_for()
        await page.wait_for_timeout(400)
        await studio.shoot("widget", page)
        await context.close()


async def widget_states_of_another_site(studio: Studio, link: str) -> None:
    """Where the frame may keep nothing; and what is asked before an invoice is left, which needs a frame that may."""
    for name, host in (("widget-elsewhere", "localhost"), ("widget-leaving", "127.0.0.1")):
        if not studio.wants(name):
            continue
        async with website(studio.harness.url, link, host=host) as site:
            context = await studio.context()
            page = await context.new_page()
            await page.goto(site)
            await page.get_by_role("link").click()
            frame = page.frame_locator("iframe")
            await frame.get_by_role("button", name="Pay 2").wait_for()
            if name == "widget-leaving":
                await frame.get_by_role("button", name="Pay 2").click()
                await frame.locator(".qr svg").wait_for()
                await page.get_by_role("button", name="Close").click()
                await frame.locator("dialog.leaving").wait_for()
            await page.wait_for_timeout(400)
            await studio.shoot(name, page)
            await context.close()


async def keep_state(studio: Studio, link: str) -> None:
    """A browser that lets the site keep nothing."""
    if not studio.wants("keep-first"):
        return
    context = await studio.context()
    await context.add_init_script("delete window.localStorage; Object.defineProperty(window, 'localStorage', {})")
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Pay 2").click()
    await page.get_by_label("Your access link").wait_for()
    await studio.shoot("keep-first", page)
    await context.close()


async def demo_state(studio: Studio, link: str) -> None:
    if not studio.wants("demo"):
        return
    context = await studio.context()
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Pay 2").click()
    await page.locator(".qr svg").wait_for()
    await studio.shoot("demo", page)
    await context.close()


async def seller_states(studio: Studio) -> None:
    if studio.wanted and not any(name.startswith("sell") for name in studio.wanted):
        return
    harness = studio.harness
    context = await studio.context()
    page = await context.new_page()
    await page.goto(f"{harness.url}/sell")
    await page.get_by_label("Account code").fill("wrong")
    await studio.shoot("sell-signin", page)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()
    await studio.shoot("sell-signin-wrong", page)
    await page.get_by_label("Account code").fill(harness.token)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Descriptor or").fill(DESCRIPTOR)
    await studio.shoot("sell-payout", page)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_text("Are these your addresses?").wait_for()
    await studio.shoot("sell-compare", page)
    await page.get_by_role("button", name="Yes, these").click()
    await page.get_by_role("button", name="Publish").wait_for()
    await studio.shoot("sell-form", page)
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_label("Price").fill("100")
    await studio.shoot("sell-form-wrong", page)
    await page.locator(".drop input").set_input_files(
        {"name": "north-sea-field-notes.pdf", "mimeType": "application/pdf", "buffer": b"x" * 900_000}
    )
    await page.get_by_label("Title").fill("Field notes from the North Sea")
    await page.get_by_label("Price").fill("2500")
    await studio.shoot("sell-form-filled", page)
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_role("button", name="Copy the link").wait_for()
    await studio.shoot("sell-done", page)
    await page.get_by_text("Pay button for your website").click()
    await studio.shoot("sell-done-embed", page)
    await page.get_by_role("button", name="Sell another file").click()
    await page.get_by_text("Your files").wait_for()
    await studio.shoot("sell-list", page)
    await context.close()


async def pictures(studio: Studio, link: str) -> None:
    """The two pictures in the README."""
    if "docs" not in studio.wanted:
        return
    context = await studio.browser.new_context(
        locale="en", viewport={"width": 600, "height": 900}, device_scale_factor=1.5
    )
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Pay 2").click()
    await page.locator(".qr svg").wait_for()
    await _card(page, "checkout")
    await page.goto(f"{studio.harness.url}/sell")
    await page.get_by_label("Account code").fill(studio.harness.token)
    await page.get_by_role("button", name="Sign in").click()
    file = {"name": "tidal-chart.pdf", "mimeType": "application/pdf", "buffer": b"x" * 3_100_000}
    await page.locator(".drop input").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_label("Title").fill("Tidal chart of the Wadden Sea, 1:50 000")
    await page.get_by_label("Price").fill("12 000")
    await page.evaluate("document.activeElement.blur()")
    await _card(page, "seller")
    await context.close()


async def _card(page: Page, name: str) -> None:
    """The first card with some ground around it."""
    await page.wait_for_timeout(400)
    box = await page.locator(".card").first.bounding_box()
    if box is None:
        raise AssertionError("no card")
    clip = {"x": box["x"] - 40, "y": box["y"] - 14, "width": box["width"] + 80, "height": box["height"] + 28}
    await page.screenshot(path=DOCS / f"{name}.png", clip=clip, full_page=True)  # type: ignore[arg-type]


def _large_png() -> bytes:
    """The beginning of one, which is all that is read of it."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (20_000).to_bytes(4) * 2 + bytes(9)


async def main(wanted: set[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    picture = Path(__file__).with_name("sample.png").read_bytes()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "a").mkdir()
        (folder / "b").mkdir()
        harness = await stack.enter_async_context(gateway(folder / "a", confirmations=1))
        play = await stack.enter_async_context(async_playwright())
        browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        studio = Studio(browser, harness, wanted)
        await seller_states(studio)
        await harness.payout()
        link = await harness.sell(
            picture + bytes(3_000_000),
            "tidal-chart.png",
            "Tidal chart of the Wadden Sea, 1:50 000",
            preview=Preview("image/png", picture),
        )
        text = await harness.sell(POEM * 3, "poems.txt", "Poems for a long night", preview=Preview("text/plain", POEM))
        large = await harness.sell(POEM, "wall-map.tif", "A wall map", preview=Preview("image/png", _large_png()))
        await buyer_states(studio, link, text, large)
        await widget_state(studio, link)
        await widget_states_of_another_site(studio, link)
        await keep_state(studio, link)
        await lightning_states(studio, link)
        await account_states(studio)
        await desk_states(studio)
        await report_states(studio)
        await pictures(studio, link)
        if studio.wants("demo"):
            demo = await stack.enter_async_context(gateway(folder / "b", demo=True))
            await demo.payout()
            await demo_state(Studio(browser, demo, wanted), await demo.sell(b"x" * 5000))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(set(sys.argv[1:])))
