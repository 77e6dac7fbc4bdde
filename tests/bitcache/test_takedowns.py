"""Reports, and what the operator takes down: who paid before has the share, who pays after is owed the money."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.market import NOW, Market, SealedFile, pays, seal

from bitcache import key_release, listings, reports, sales, takedowns
from bitcache.errors import BadInput, NotFound
from bitcache.identifiers import new_file_id, new_secret
from bitcache.listing_errors import TakenDown, TooManyReports
from bitcache.reports import MOST_OF_FILE, NewReport, Report, ReportKind

SAID = NewReport(ReportKind.FRAUD, "It is noise")


async def report(market: Market, file: SealedFile, said: NewReport = SAID, now: int = NOW) -> None:
    """Somebody reports a file."""
    await market.store.write(lambda conn: reports.add(conn, market.master_key, file.file_id, said, now))


async def queue(market: Market, *, closed: bool = False) -> list[Report]:
    """What the operator reads."""
    return await market.store.read(lambda conn: reports.queue(conn, market.master_key, closed=closed))


async def take_down(market: Market, file: SealedFile, now: int = NOW) -> None:
    """The operator decides."""
    await market.store.write(lambda conn: takedowns.take_down(conn, file.file_id, "A court said so.", now))


async def test_what_many_say_alike_is_one_report(market: Market) -> None:
    file = await market.listed()
    for now in (NOW, NOW + 5):
        await report(market, file, now=now)
    await report(market, file, replace(SAID, text="Something else"))
    first, second = await queue(market)
    assert (first.times, first.text, first.created_at, first.last_at) == (2, "It is noise", NOW, NOW + 5)
    assert (second.times, second.link_share) == (1, None)
    assert await market.store.read(reports.count_open) == 2


async def test_a_disclosed_link_is_checked_and_kept_under_the_master_key(market: Market) -> None:
    file, other = await market.listed(), await market.listed(b"another")
    with pytest.raises(BadInput):
        await report(market, file, replace(SAID, link_share=other.link_share))
    await report(market, file, replace(SAID, link_share=file.link_share))
    [kept] = await queue(market)
    assert kept.link_share == file.link_share
    assert file.link_share.hex() not in repr(kept)
    stored = b"".join(path.read_bytes() for path in market.folder.rglob("*.sqlite3*"))
    assert file.link_share not in stored


async def test_reports_of_one_file_are_bounded(market: Market) -> None:
    file, other = await market.listed(), await market.listed(b"another")
    for number in range(MOST_OF_FILE):
        await report(market, file, replace(SAID, text=str(number)))
    with pytest.raises(TooManyReports):
        await report(market, file, replace(SAID, text="one more"))
    await report(market, file, replace(SAID, text="0"))
    await report(market, other)
    with pytest.raises(NotFound):
        await report(market, seal(b"not on sale"))


async def test_a_dismissed_report_is_closed_and_the_action_kept(market: Market) -> None:
    file = await market.listed()
    await report(market, file)
    [kept] = await queue(market)
    await market.store.write(lambda conn: takedowns.dismiss(conn, kept.id, "It is music.", NOW))
    assert (await queue(market), [one.id for one in await queue(market, closed=True)]) == ([], [kept.id])
    with pytest.raises(NotFound):
        await market.store.write(lambda conn: takedowns.dismiss(conn, kept.id, "Again.", NOW))
    [action] = await market.store.read(takedowns.actions)
    assert action == {"action": "dismissed", "file_id": file.file_id, "reason": "It is music.", "at": NOW}
    assert (await market.order(file.file_id)).state == "new"


async def test_nobody_buys_or_sees_what_is_down(market: Market) -> None:
    file = await market.listed()
    await report(market, file)
    await take_down(market, file)
    assert await queue(market) == []
    with pytest.raises(TakenDown) as refused:
        await market.order(file.file_id)
    assert refused.value.advice == "A court said so."
    with pytest.raises(TakenDown):
        await market.store.read(lambda conn: listings.get(conn, file.file_id))
    [(shown, _)] = await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id))
    assert shown.taken_down == "A court said so."
    await market.store.write(lambda conn: takedowns.put_back(conn, file.file_id, "The court was wrong.", NOW))
    assert (await market.order(file.file_id)).state == "new"
    with pytest.raises(NotFound):
        await market.store.write(lambda conn: takedowns.put_back(conn, file.file_id, "Again.", NOW))
    with pytest.raises(NotFound):
        await market.store.write(lambda conn: takedowns.take_down(conn, new_file_id(), "Nothing there.", NOW))
    assert [action["action"] for action in await market.store.read(takedowns.actions)] == ["put_back", "taken_down"]


async def test_who_paid_before_has_the_share_and_who_pays_after_is_owed_the_money(market: Market) -> None:
    """Open invoices stay watched."""
    file, early, late = await market.listed(), new_secret(), new_secret()
    before, after = await market.order(file.file_id, early), await market.order(file.file_id, late)
    await market.block(pays(before, "a:0"), now=NOW)
    await take_down(market, file, NOW + 10)
    await market.block(pays(after, "b:0"), now=NOW + 20)
    share = await market.store.read(lambda conn: key_release.share_for(conn, early))
    assert share.file_id == file.file_id
    with pytest.raises(TakenDown):
        await market.store.read(lambda conn: key_release.share_for(conn, late))
    sold = await market.store.read(lambda conn: sales.of_seller(conn, market.seller_id, most=9))
    assert [(sale.purchase_id, sale.refund_due) for sale in sold] == [
        (after.purchase_id, True),
        (before.purchase_id, False),
    ]
    await market.store.write(lambda conn: takedowns.put_back(conn, file.file_id, "A mistake.", NOW + 30))
    assert (await market.store.read(lambda conn: key_release.share_for(conn, late))).file_id == file.file_id


async def test_a_link_that_comes_with_the_same_words_later_is_kept(market: Market) -> None:
    """And is not lost again when others say the same without it."""
    file = await market.listed()
    for link_share in (None, file.link_share, None):
        await report(market, file, replace(SAID, link_share=link_share))
    [kept] = await queue(market)
    assert (kept.times, kept.link_share) == (3, file.link_share)
