"""The buyer's page in every state, through reloads, other devices and lost connections."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from browser.browser_harness import BrowserHarness
from browser.conftest import Visitor

pytestmark = pytest.mark.browser

SONG = b"a song" * 1000


async def invoice(page: Page) -> None:
    """Press Pay and wait for the code."""
    await page.get_by_role("button", name=re.compile("^Pay 2")).click()
    await expect(page.locator(".qr svg")).to_be_visible()


def heading(page: Page, text: str):  # type: ignore[no-untyped-def]
    """The one heading."""
    return page.get_by_role("heading", level=1, name=text)


async def test_a_partial_payment_asks_for_the_rest(visitor: Visitor, harness: BrowserHarness) -> None:
    """With a new code that asks for just that; then the file opens."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    before = await page.locator(".qr svg").inner_html()
    await harness.pay(1000)
    await expect(page.locator(".notice.warn:visible")).to_contain_text("1\u202f500\u00a0sat still to pay")
    assert await page.locator(".qr svg").inner_html() != before
    assert "amount=0.000015" in str(await page.get_by_role("link", name="Open in wallet").get_attribute("href"))
    await harness.pay(1500)
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    async with page.expect_download() as download:
        await harness.chain.mine()
    assert (await (await download.value).path()).read_bytes() == SONG


async def test_an_overpaid_invoice_says_so_and_opens(visitor: Visitor, harness: BrowserHarness) -> None:
    """And who has the rest."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    await harness.pay(3000)
    await expect(page.get_by_text("500\u00a0sat more than requested")).to_be_visible()
    await harness.chain.mine()
    await expect(heading(page, "Your file is ready")).to_be_visible()


async def test_a_late_payment_still_opens_the_file(visitor: Visitor, harness: BrowserHarness) -> None:
    """The page that said the time is up goes on by itself."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    await harness.expire()
    await expect(heading(page, "This payment request has expired")).to_be_visible()
    await page.get_by_role("button", name="I already paid").click()
    await expect(page.get_by_text("do not pay twice")).to_be_visible()
    await harness.pay()
    await expect(page.get_by_text("after the payment request expired")).to_be_visible()
    await harness.chain.mine()
    await expect(heading(page, "Your file is ready")).to_be_visible()


async def test_a_payment_that_is_replaced_is_missed_and_can_be_sent_again(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """Back to the code, and the buyer is told why; the next payment opens the file."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    paid = await harness.pay()
    await expect(page.get_by_text("Downloaded", exact=True)).to_be_visible()
    await harness.chain.replace(paid)
    await expect(page.get_by_text("disappeared from the network")).to_be_visible()
    await expect(page.locator(".qr svg")).to_be_visible()
    await harness.pay()
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    await harness.chain.mine()
    await expect(heading(page, "Your file is ready")).to_be_visible()


async def test_start_again_makes_a_new_invoice(visitor: Visitor, harness: BrowserHarness) -> None:
    """With an address of its own."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    first = await page.locator(".address").text_content()
    await harness.expire()
    await page.get_by_role("button", name="Start again").click()
    await expect(page.locator(".qr svg")).to_be_visible()
    assert await page.locator(".address").text_content() != first


async def test_a_payment_to_an_earlier_invoice_is_found_after_starting_again(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """This browser remembers every claim: the first invoice is paid late, and a reload finds it."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    paid = await harness.pay()
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    await harness.chain.replace(paid)
    await harness.expire()
    await page.get_by_role("button", name="Start again").click()
    await expect(page.locator(".qr svg")).to_be_visible()
    await harness.chain.pay(await harness.address(0), 2500)  # type: ignore[arg-type]
    await harness.chain.mine()
    await page.wait_for_timeout(500)
    await page.reload()
    await expect(heading(page, "Your file is ready")).to_be_visible()


async def test_a_payment_that_a_reorganisation_undoes_leaves_the_buyer_the_file(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """Said plainly; the file stays."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    await harness.pay()
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    await harness.chain.mine()
    await expect(heading(page, "Your file is ready")).to_be_visible()
    await harness.chain.reorg(1, keep=False)
    await expect(page.get_by_text("blocks that confirmed your payment were replaced")).to_be_visible(timeout=45_000)
    await expect(page.get_by_role("button", name="Save again")).to_be_visible()


async def test_a_reload_goes_on_where_it_was(visitor: Visitor, harness: BrowserHarness) -> None:
    """The same invoice; then, reloaded while it confirms, the same purchase."""
    page = await visitor.buy(await harness.sell(SONG))
    await invoice(page)
    address = await page.locator(".address").text_content()
    await page.reload()
    await expect(page.locator(".address")).to_have_text(str(address))
    await harness.pay()
    await expect(page.get_by_text("Downloaded", exact=True)).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible()
    async with page.expect_download() as download:
        await harness.chain.mine()
    assert (await (await download.value).path()).read_bytes() == SONG


async def test_the_private_link_opens_the_purchase_on_another_device(visitor: Visitor, harness: BrowserHarness) -> None:
    """A fresh profile, after the purchase was settled elsewhere."""
    context = await visitor.context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await page.goto(await harness.sell(SONG))
    await invoice(page)
    await harness.pay()
    await page.get_by_role("button", name="Copy my access link").click()
    link = str(await page.evaluate("navigator.clipboard.readText()"))
    await harness.chain.mine()
    await expect(heading(page, "Your file is ready")).to_be_visible()
    other = await visitor.buy(link)
    await expect(heading(other, "Your file is ready")).to_be_visible()


async def test_a_lost_connection_is_said_and_mended(visitor: Visitor, harness: BrowserHarness) -> None:
    """Polling goes on until the connection is back, and nothing is lost."""
    page = await visitor.buy(await harness.sell(SONG))
    async with page.expect_response("**/events"):
        await invoice(page)
    # Chromium cuts no stream that is open already: its first message must be in, or it would say "back again".
    await page.wait_for_timeout(500)
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline")).to_be_visible()
    await harness.pay()
    await page.context.set_offline(False)
    await expect(page.get_by_text("Payment received", exact=True)).to_be_visible(timeout=20_000)
    visitor.wrong = [line for line in visitor.wrong if "ERR_INTERNET_DISCONNECTED" not in line]


async def test_broken_links_say_what_is_wrong(visitor: Visitor, harness: BrowserHarness) -> None:
    """No fragment, a wrong fragment, an unknown file, and a link that a scanner damaged."""
    link = await harness.sell(SONG)
    page = await visitor.page()
    for broken, sentence in {
        link.split("#")[0]: "The end of the link is missing",
        link[:-3]: "The link is damaged",
        link.split("#")[0] + "#" + "A" * 22: "does not match this file",
    }.items():
        await page.goto("about:blank")
        await page.goto(broken)
        await expect(page.get_by_text(sentence).first).to_be_visible()
    for damaged in (link.replace("#", "%23"), link.replace("#", "%2523"), link.replace("#", "%23") + ".&fbclid=x"):
        await page.goto(damaged)
        await expect(page.get_by_role("button", name="Pay 2")).to_be_visible()
        assert page.url == link
    for clinging in (f"{link}.", f"{link})", f"{link}&utm_source=mail", link.replace("#", "?fbclid=x#")):
        await page.goto("about:blank")
        await page.goto(clinging)
        await expect(page.get_by_role("button", name="Pay 2")).to_be_visible()
    visitor.wrong = [line for line in visitor.wrong if "404" not in line]


async def test_a_paused_seller_cannot_be_paid(visitor: Visitor, harness: BrowserHarness) -> None:
    """There is no button to press."""
    link = await harness.sell(SONG)
    await harness.pause("wrong_network")
    page = await visitor.buy(link)
    await expect(page.get_by_text("You have not been charged")).to_be_visible()
    await expect(page.get_by_role("button", name="Pay 2")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "pays"), [("de-AT", "2 500 sat bezahlen"), ("es-MX", "Pagar 2 500 sat"), ("it", "Pay 2 500 sat")]
)
async def test_every_language_by_what_the_browser_asks_for(
    visitor: Visitor, harness: BrowserHarness, language: str, pays: str
) -> None:
    page = await visitor.buy(await harness.sell(SONG), language=language)
    await expect(page.get_by_role("button", name=pays)).to_be_visible()


async def test_the_reader_switches_the_language_and_keeps_the_link(visitor: Visitor, harness: BrowserHarness) -> None:
    """The part after # stays in the browser."""
    link = await harness.sell(SONG)
    page = await visitor.buy(link)
    await expect(page.get_by_role("button", name="Pay 2")).to_be_visible()
    await page.get_by_label("Language").select_option("de")
    await expect(page.get_by_role("button", name="2 500 sat bezahlen")).to_be_visible()
    assert page.url == link
    assert await page.locator("html").get_attribute("lang") == "de"
    await page.goto(f"{harness.url}/sell")
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    await page.get_by_label("Sprache").select_option("en")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_another_language(visitor: Visitor, harness: BrowserHarness) -> None:
    """French, by Accept-Language, from the offer to the file."""
    page = await visitor.buy(await harness.sell(SONG), language="fr-CA")
    assert await page.locator("html").get_attribute("lang") == "fr"
    await page.get_by_role("button", name=re.compile("^Payer 2")).click()
    await expect(page.get_by_text("En attente du paiement").first).to_be_visible()
    await harness.pay()
    await expect(page.get_by_text("Paiement reçu", exact=True)).to_be_visible()
    await harness.chain.mine()
    await expect(heading(page, "Votre fichier est prêt")).to_be_visible()


async def test_the_keyboard_alone_is_enough(visitor: Visitor, harness: BrowserHarness) -> None:
    """Tab to the button, press it, and the focus is at the new heading."""
    page = await visitor.buy(await harness.sell(SONG))
    button = page.get_by_role("button", name=re.compile("^Pay 2"))
    await expect(button).to_be_visible()
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await button.evaluate("button => button === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(page.locator(".qr svg")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_be_focused()


async def test_a_private_link_of_a_part_paid_purchase_says_what_arrived_and_takes_the_rest(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """On another device: nothing to pay before what came is confirmed and somebody chose to; then the file opens."""
    context = await visitor.context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await page.goto(await harness.sell(SONG))
    await invoice(page)
    await page.get_by_text("Save your access link").click()
    await page.get_by_role("button", name="Copy my access link").click()
    link = str(await page.evaluate("navigator.clipboard.readText()"))
    await page.close()
    await harness.pay(1000)
    other = await visitor.buy(link)
    await expect(other.get_by_text("1\u202f000\u00a0sat of 2\u202f500\u00a0sat were received")).to_be_visible()
    rest = other.get_by_role("button", name="Pay the remaining 1\u202f500\u00a0sat")
    await expect(rest).to_be_disabled()
    await harness.chain.mine()
    await expect(other.get_by_text("for everyone else who has")).to_be_visible()
    await expect(rest).to_be_enabled()
    await rest.click()
    await expect(other.locator(".qr svg")).to_be_visible()
    await other.reload()
    wallet = other.get_by_role("link", name="Open in wallet")
    assert "amount=0.000015" in str(await wallet.get_attribute("href"))
    await harness.pay(1500)
    await harness.chain.mine()
    await expect(heading(other, "Your file is ready")).to_be_visible()


async def test_beside_a_part_paid_link_one_can_buy_for_oneself(visitor: Visitor, harness: BrowserHarness) -> None:
    """With an invoice of one's own, for the whole price."""
    context = await visitor.context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await page.goto(await harness.sell(SONG))
    await invoice(page)
    theirs = await harness.address(0)
    await page.get_by_text("Save your access link").click()
    await page.get_by_role("button", name="Copy my access link").click()
    link = str(await page.evaluate("navigator.clipboard.readText()"))
    await harness.pay(1000)
    await harness.chain.mine()
    other = await visitor.buy(link)
    await other.get_by_role("button", name="Buy my own copy instead").click()
    await expect(other.locator(".qr svg")).to_be_visible()
    assert await other.locator(".address").text_content() != theirs
    wallet = other.get_by_role("link", name="Open in wallet")
    assert "amount=0.000025" in str(await wallet.get_attribute("href"))


async def test_the_time_left_is_the_gateways_whatever_the_visitors_clock_says(
    visitor: Visitor, harness: BrowserHarness
) -> None:
    """A computer two hours ahead, and one two hours behind."""
    link = await harness.sell(SONG)
    for hours in (2, -2):
        page = await visitor.page()
        skew = f"const real = Date.now.bind(Date); Date.now = () => real() + {hours} * 3600e3"
        await page.add_init_script(skew)
        await page.goto(link)
        await invoice(page)
        await expect(page.get_by_role("timer")).to_have_text(re.compile("^(1:00:00|59:)"))
