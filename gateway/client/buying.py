"""A purchase from the buyer's side: remember a claim, pay, download, open.

The claim secret is on disk before the gateway hears of it, so a purchase that stops anywhere goes on when
:func:`buy` is called again with the same goods (from :func:`gateway.client.goods.look`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from bitcache.errors import PaymentRequired, Tampered
from bitcache.identifiers import unb64u
from bitcache.sealing import shares
from gateway.api.models import Share, Transfer
from gateway.client.claiming import Purchase, begin, find
from gateway.client.downloading import download
from gateway.client.errors import GatewayConfused, GatewayUnreachable, NotPaidInTime
from gateway.client.following import follow
from gateway.client.foreign import verdict_on
from gateway.client.goods import Goods, group_hashes
from gateway.client.http import Backoff, GatewayClient
from gateway.client.output import refuse_existing, refuse_full
from gateway.client.part_file import PartFile
from gateway.client.purchases import Purchases

_REFUSED_SECONDS = 60.0  #: of a gateway that says "paid" and "pay first" at once
_REFUSED = "the gateway says that it sees the payment, and yet hands nothing out"
_LATER = "What was paid is not lost: run the same command again later, and tell the seller if that does not help."


@dataclass(frozen=True, slots=True)
class Bought:
    """A finished purchase."""

    path: Path
    sha256: str
    size: int
    transfer: Transfer
    seconds: dict[str, float]


class Screen:
    """Where a purchase shows itself; this one shows nothing.  Every transfer that it is given was checked."""

    def note(self, text: str) -> None:
        """Something that the buyer should know."""

    def invoice(self, transfer: Transfer, goods: Goods) -> None:
        """What to pay, once."""

    def changed(self, transfer: Transfer) -> None:
        """The transfer's state, at every change."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Bytes of the step ``what``: "download" or "open"."""


async def buy(
    gateway: GatewayClient,
    goods: Goods,
    target: Path,
    state_dir: Path,
    *,
    timeout: float,
    force: bool = False,
    pay_rest: bool = False,
    screen: Screen | None = None,
) -> Bought:
    """Pay for and open ``goods`` into ``target``; going on where an earlier call stopped.

    ``pay_rest``: go on with a private link's purchase that is paid in part.

    Raises PaidInPart without it; NotPaidInTime after ``timeout`` seconds of waiting, TargetExists, SealingError,
    GatewayUnreachable, DishonestGateway before anything that it should not ask for is shown.
    """
    screen = screen or Screen()
    refuse_existing(target, force)
    refuse_full(target, goods.manifest)
    groups = await group_hashes(gateway, goods)
    purchases = Purchases.of(goods.link, state_dir)
    if not purchases.pin(goods.file.manifest):
        raise Tampered("this file is not the one that was being bought under this link before")
    with PartFile(target, goods.manifest, groups) as part:
        purchase = await _purchase(gateway, goods, purchases, screen, pay_rest)
        clock = Clock()
        screen.invoice(purchase.transfer, goods)
        await _fetch_when_seen(gateway, purchase, part, screen, timeout, clock)
        transfer = await _wait(gateway, purchase, lambda now: now.released, screen, timeout)
        key = await _file_key(gateway, goods, purchase.claim)
        clock.start()
        sha256 = part.open_to(
            target,
            key,
            shares.file_context(goods.link.file_id),
            force=force,
            progress=lambda done, total: screen.progress("open", done, total),
        )
        clock.lap("open")
        if not part.kept:
            screen.note("this disk cannot be told to keep a new file through a power cut: wait a little before one")
    return Bought(target, sha256, goods.metadata.size, transfer, clock.seconds)


class Clock:
    """Seconds spent in named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        """The next step begins now."""
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        """``step`` ends now."""
        self.seconds[step] = round(time.perf_counter() - self._since, 3)
        self.start()


async def _purchase(
    gateway: GatewayClient, goods: Goods, purchases: Purchases, screen: Screen, pay_rest: bool
) -> Purchase:
    found = await find(gateway, goods, purchases, pay_rest=pay_rest)
    if goods.link.claim is not None and (found is None or verdict_on(found.transfer) == "leave"):
        screen.note("this private link has no payment yet; a new invoice is made for you")
    return found or await begin(gateway, goods, purchases, screen.note)


async def _fetch_when_seen(
    gateway: GatewayClient,
    purchase: Purchase,
    part: PartFile,
    screen: Screen,
    timeout: float,
    clock: Clock,
) -> None:
    """Download as soon as a payment is seen; when that payment vanishes, wait for another.

    Raises GatewayConfused when the gateway goes on saying that it sees one, and refuses the bytes.
    """

    def seen(now: Transfer) -> bool:
        return now.released or now.state == "processing"

    file_id = purchase.bill.file_id
    backoff = Backoff(_REFUSED_SECONDS)
    while True:
        await _wait(gateway, purchase, seen, screen, timeout)
        before = part.offset
        clock.start()
        try:
            await download(
                gateway, part, file_id, purchase.claim, lambda done, total: screen.progress("download", done, total)
            )
        except PaymentRequired:
            if part.offset > before:
                backoff.progress()
            await backoff.wait(GatewayConfused(_REFUSED, hint=_LATER))
        else:
            return clock.lap("download")


async def _wait(
    gateway: GatewayClient,
    purchase: Purchase,
    enough: Callable[[Transfer], bool],
    screen: Screen,
    timeout: float,
) -> Transfer:
    try:
        async with asyncio.timeout(timeout), aclosing(follow(gateway, purchase.transfer.transfer_id)) as changes:
            async for now in changes:
                purchase.bill.check(now)
                screen.changed(now)
                if enough(now):
                    return now
                if now.state == "expired" and not now.received_sat:
                    raise NotPaidInTime("nothing was paid before the invoice expired")
    except TimeoutError:
        pass
    raise NotPaidInTime


async def _file_key(gateway: GatewayClient, goods: Goods, claim: str) -> bytes:
    """The key, from the link's share and the gateway's, once the latter is the one that the seller signed."""
    backoff = Backoff()
    while True:
        try:
            answer = await gateway.call(Share, "GET", "/share", bearer=claim)
            break
        except GatewayUnreachable as error:
            await backoff.wait(error)
    share = unb64u(answer.share, shares.GATEWAY_SHARE_SIZE, "gateway share")
    if shares.share_hash(share) != goods.manifest.share_hash:
        raise Tampered(
            "the gateway handed out a wrong share",
            hint="Manifest, signature and this share prove it to anyone: show them to the seller.",
        )
    return shares.file_key(goods.link.link_share, share, goods.link.file_id)
