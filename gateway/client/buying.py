"""A purchase from the buyer's side: remember a claim, pay, download, open.

The claim secret is on disk before the gateway hears of it, so a purchase that stops anywhere goes on when
:func:`buy` is called again with the same goods (from :func:`gateway.client.goods.look`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from bitcache.errors import (
    BitcacheError,
    ClaimMismatch,
    NotFound,
    PaymentRequired,
    Tampered,
)
from bitcache.identifiers import b64u, claim_hash, unb64u
from bitcache.sealing import shares
from gateway.api.models import Share, Transfer
from gateway.client.downloading import PartFile, download, refuse_existing
from gateway.client.following import follow
from gateway.client.goods import Goods
from gateway.client.http import Backoff, GatewayClient, GatewayUnreachable
from gateway.client.purchases import Purchases


class NotPaidInTime(BitcacheError):
    """The payment did not come in time."""

    code = "not_paid_in_time"
    hint = "Run the same command again to go on. A payment that arrives late still counts: nothing is lost."


@dataclass(frozen=True, slots=True)
class Bought:
    """A finished purchase."""

    path: Path
    sha256: str
    size: int
    transfer: Transfer
    seconds: dict[str, float]


class Screen:
    """Where a purchase shows itself; this one shows nothing."""

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
    screen: Screen | None = None,
) -> Bought:
    """Pay for and open ``goods`` into ``target``; going on where an earlier call stopped.

    Raises NotPaidInTime after ``timeout`` seconds of waiting, TargetExists, SealingError, GatewayUnreachable.
    """
    screen = screen or Screen()
    refuse_existing(target, force)
    purchases = Purchases.of(goods.link, state_dir)
    if not purchases.pin(goods.file.manifest):
        raise Tampered("this file is not the one that was being bought under this link before")
    with PartFile(target, goods.manifest, goods.groups) as part:
        claim, transfer = await _transfer(gateway, goods, purchases)
        clock = Clock()
        screen.invoice(transfer, goods)
        await _fetch_when_seen(gateway, transfer, claim, part, screen, timeout, clock)
        transfer = await _wait(gateway, transfer, lambda now: now.released, screen, timeout)
        key = await _file_key(gateway, goods, claim)
        clock.start()
        sha256 = part.open_to(
            target,
            key,
            shares.file_context(goods.link.file_id),
            force=force,
            progress=lambda done, total: screen.progress("open", done, total),
        )
        clock.lap("open")
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


async def _transfer(gateway: GatewayClient, goods: Goods, purchases: Purchases) -> tuple[str, Transfer]:
    """The claim to go on with and its transfer: the best of what there is, or a fresh one."""
    if goods.link.claim is not None:
        claim = goods.link.claim
        transfer = await gateway.call(Transfer, "GET", "/claim", bearer=claim)
    else:
        claim, transfer = await _best(gateway, purchases.claims) or await _fresh(gateway, goods, purchases)
    if transfer.file_id != goods.link.file_id or transfer.amount_sat != goods.manifest.price_sat:
        raise Tampered("the invoice is not for this file at its signed price", hint="Do not pay.")
    return claim, transfer


async def _best(gateway: GatewayClient, claims: Sequence[str]) -> tuple[str, Transfer] | None:
    """Among earlier purchases, the one nearest to its end; an expired one without any payment is none."""
    found = []
    for claim in claims:
        try:
            transfer = await gateway.call(Transfer, "GET", "/claim", bearer=claim)
        except (ClaimMismatch, NotFound):
            continue  # we stopped before the gateway heard of it
        if transfer.state != "expired" or transfer.received_sat:
            found.append((claim, transfer))
    return max(found, key=lambda one: _nearness(one[1]), default=None)


def _nearness(transfer: Transfer) -> tuple[bool, bool, int]:
    return transfer.released, transfer.state == "processing", transfer.received_sat


async def _fresh(gateway: GatewayClient, goods: Goods, purchases: Purchases) -> tuple[str, Transfer]:
    claim = purchases.new_claim()
    backoff = Backoff(15)
    while True:
        try:
            path, body = f"/files/{goods.link.file_id}/transfers", {"claim_hash": b64u(claim_hash(claim))}
            return claim, await gateway.call(Transfer, "POST", path, json=body)
        except GatewayUnreachable as error:
            await backoff.wait(error)


async def _fetch_when_seen(
    gateway: GatewayClient,
    transfer: Transfer,
    claim: str,
    part: PartFile,
    screen: Screen,
    timeout: float,
    clock: Clock,
) -> None:
    """Download as soon as a payment is seen; when that payment vanishes, wait for another."""

    def seen(now: Transfer) -> bool:
        return now.released or now.state == "processing"

    while True:
        await _wait(gateway, transfer, seen, screen, timeout)
        clock.start()
        try:
            await download(
                gateway, part, transfer.file_id, claim, lambda done, total: screen.progress("download", done, total)
            )
        except PaymentRequired:
            await asyncio.sleep(1)
        else:
            return clock.lap("download")


async def _wait(
    gateway: GatewayClient,
    transfer: Transfer,
    enough: Callable[[Transfer], bool],
    screen: Screen,
    timeout: float,
) -> Transfer:
    try:
        async with asyncio.timeout(timeout), aclosing(follow(gateway, transfer.transfer_id)) as changes:
            async for now in changes:
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
