"""A purchase from the buyer's side: remember a claim, pay, download, open.

The claim secret is on disk before it is sent to the gateway, so a purchase that stops anywhere goes on when
:func:`buy` is called again with the same goods (from :func:`gateway.client.verified_offer.look`).
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
from bitcache.sealing import key_derivation
from gateway.api.models import Purchase, Share
from gateway.client.claim_from_link import verdict_on
from gateway.client.download_file import download
from gateway.client.errors import GatewayConfused, GatewayUnreachable, NotPaidInTime
from gateway.client.follow_purchase import follow
from gateway.client.gateway_client import Backoff, GatewayClient
from gateway.client.output_file import refuse_existing, refuse_full
from gateway.client.part_file import PartFile
from gateway.client.pay_by_wallet import WalletPayment, can_go_on, pay, show_earlier_payments
from gateway.client.resume import ClaimedPurchase, begin, find, renew_lightning
from gateway.client.saved_purchases import SavedPurchases
from gateway.client.verified_offer import VerifiedOffer, group_hashes

_REFUSED_SECONDS = 60.0  #: of a gateway that says "paid" and "pay first" at once
_REFUSED = "the gateway says that it sees the payment, and yet hands nothing out"
_LATER = "What was paid is not lost: run the same command again later, and tell the seller if that does not help."


@dataclass(frozen=True, slots=True)
class FinishedPurchase:
    """A finished purchase."""

    path: Path
    sha256: str
    size: int
    purchase: Purchase
    seconds: dict[str, float]


class PurchaseObserver:
    """Where a purchase shows itself; this one shows nothing.  Every purchase that it is given was checked."""

    def note(self, text: str) -> None:
        """Tell something that the buyer should know."""

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """Show what to pay, once."""

    def changed(self, purchase: Purchase) -> None:
        """Show the purchase's state, at every change."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Count the bytes of the step ``what``: "download" or "open"."""


async def buy(
    gateway: GatewayClient,
    offer: VerifiedOffer,
    target: Path,
    state_dir: Path,
    *,
    timeout: float,
    force: bool = False,
    pay_rest: bool = False,
    observer: PurchaseObserver | None = None,
    payment: WalletPayment | None = None,
) -> FinishedPurchase:
    """Pay for and open ``goods`` into ``target``; going on where an earlier call stopped.

    ``pay_rest``: go on with an access link's purchase that is paid in part.  ``payment``: a wallet pays by itself.

    Raise PaidInPart without it; NotPaidInTime after ``timeout`` seconds of waiting, TargetExists, SealingError,
    GatewayUnreachable, DishonestGateway before anything that it should not ask for is shown.
    """
    observer = observer or PurchaseObserver()
    refuse_existing(target, force)
    refuse_full(target, offer.manifest)
    groups = await group_hashes(gateway, offer)
    saved = SavedPurchases.of(offer.link, state_dir)
    if not saved.pin(offer.manifest.group_root):
        raise Tampered("this file is not the one that was being bought under this link before")
    with PartFile(target, offer.manifest, groups) as part:
        if payment is not None:
            await show_earlier_payments(gateway, saved, payment.payer)
        claimed = await _claimed_purchase(gateway, offer, saved, observer, pay_rest)
        claimed = await renew_lightning(gateway, claimed, int(time.time()))
        clock = Clock()
        observer.invoice(claimed.purchase, offer)
        if payment is not None:
            to_pay = await _wait(gateway, claimed, can_go_on, observer, timeout)
            await pay(gateway, claimed.claim, to_pay, saved, payment)
        await _fetch_when_seen(gateway, claimed, part, observer, timeout, clock)
        purchase = await _wait(gateway, claimed, lambda now: now.released, observer, timeout)
        key = await _file_key(gateway, offer, claimed.claim)
        clock.start()
        sha256 = part.open_to(
            target,
            key,
            key_derivation.file_context(offer.link.file_id),
            force=force,
            progress=lambda done, total: observer.progress("open", done, total),
        )
        clock.lap("open")
        if not part.kept:
            observer.note("this disk cannot be told to keep a new file through a power cut: wait a little before one")
    return FinishedPurchase(target, sha256, offer.metadata.size, purchase, clock.seconds)


class Clock:
    """Seconds spent in named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        """Begin the next step now."""
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        """``step`` ends now."""
        self.seconds[step] = round(time.perf_counter() - self._since, 3)
        self.start()


async def _claimed_purchase(
    gateway: GatewayClient, offer: VerifiedOffer, saved: SavedPurchases, observer: PurchaseObserver, pay_rest: bool
) -> ClaimedPurchase:
    resumed = await find(gateway, offer, saved, pay_rest=pay_rest)
    if offer.link.claim is not None and (resumed is None or verdict_on(resumed.purchase) == "leave"):
        observer.note("this access link has no payment yet; a new invoice is made for you")
    return resumed or await begin(gateway, offer, saved, observer.note)


async def _fetch_when_seen(
    gateway: GatewayClient,
    claimed: ClaimedPurchase,
    part: PartFile,
    observer: PurchaseObserver,
    timeout: float,
    clock: Clock,
) -> None:
    """Download as soon as a payment is seen; when that payment vanishes, wait for another.

    Raise GatewayConfused when the gateway goes on saying that it sees one, and refuses the bytes.
    """

    def seen(now: Purchase) -> bool:
        return now.released or now.state == "processing"

    path = f"/files/{claimed.terms.file_id}/bytes"
    backoff = Backoff(_REFUSED_SECONDS)
    while True:
        await _wait(gateway, claimed, seen, observer, timeout)
        before = part.offset
        clock.start()
        try:
            await download(
                gateway, part, path, claimed.claim, lambda done, total: observer.progress("download", done, total)
            )
        except PaymentRequired:
            if part.offset > before:
                backoff.progress()
            await backoff.wait(GatewayConfused(_REFUSED, hint=_LATER))
        else:
            return clock.lap("download")


async def _wait(
    gateway: GatewayClient,
    claimed: ClaimedPurchase,
    enough: Callable[[Purchase], bool],
    observer: PurchaseObserver,
    timeout: float,
) -> Purchase:
    try:
        async with asyncio.timeout(timeout), aclosing(follow(gateway, claimed.purchase.purchase_id)) as changes:
            async for now in changes:
                claimed.terms.check(now)
                observer.changed(now)
                if enough(now):
                    return now
                if now.state == "expired" and not now.received_sat:
                    raise NotPaidInTime("nothing was paid before the invoice expired")
    except TimeoutError:
        pass
    raise NotPaidInTime


async def _file_key(gateway: GatewayClient, offer: VerifiedOffer, claim: str) -> bytes:
    """Return the key, from the link's share and the gateway's, once the latter is the one that the seller signed."""
    backoff = Backoff()
    while True:
        try:
            answer = await gateway.call(Share, "GET", "/share", bearer=claim)
            break
        except GatewayUnreachable as error:
            await backoff.wait(error)
    share = unb64u(answer.share, key_derivation.GATEWAY_SHARE_SIZE, "gateway share")
    if key_derivation.share_hash(share) != offer.manifest.share_hash:
        raise Tampered(
            "the gateway handed out a wrong share",
            hint="Manifest, signature and this share prove it to anyone: show them to the seller.",
        )
    return key_derivation.file_key(offer.link.link_share, share, offer.link.file_id)
