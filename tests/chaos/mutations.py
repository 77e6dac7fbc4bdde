"""Faults put into the gateway on purpose: the run must catch every one of them, or it proves nothing.

They are applied by the launcher (:mod:`chaos.gateway_process`) to the imported modules; the product has no hook
for them.  Where a fault opens a window between two writes, the window is as long as a slow disk makes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from bitcache import (
    apply_settlement,
    block_processing,
    follow_rails,
    key_release,
    payments,
    payments_known_until,
    settlement,
)
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.money import Sat
from bitcache.storage.tables import block, grant, invoice, known_until
from gateway.live.hub import Hub
from wallet import block_outputs
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.chain_source import Forward, Scripts, Step
from wallet.chain.mempool_payments import Mempool
from wallet.rails.onchain import OnChainRail
from wallet.watcher import IDLE_SECONDS, Watcher

SLOW_DISK = 0.15


@dataclass(frozen=True, slots=True)
class Mutation:
    """A fault, in words and in deed."""

    what: str
    apply: Callable[[], None]


MUTATIONS: dict[str, Mutation] = {}


def mutation(what: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Put a function that applies a fault on the list, under its own name."""

    def put(apply: Callable[[], None]) -> Callable[[], None]:
        MUTATIONS[apply.__name__.replace("_", "-")] = Mutation(what, apply)
        return apply

    return put


def replace_in(owner: Any, **replaced: Any) -> None:
    """Put others in the place of what a class or module has."""
    for name, value in replaced.items():
        assert hasattr(owner, name), f"{owner} has no {name}: renew this mutation"
        setattr(owner, name, value)


# The chain


@mutation("a block is undone, its payments stay")
def rollback_keeps_payments() -> None:
    replace_in(
        block_processing, undo=lambda conn, ref, *rest: conn.execute(delete(block).where(block.c.height == ref.height))
    )


@mutation("the next block is taken by height: nobody asks whether the last one is still in the chain")
def reorg_not_noticed() -> None:
    async def step(self: Any, cursor: BlockRef, scripts: Scripts) -> Step:
        tip = await self.tip()
        if tip.height <= cursor.height:
            return None
        digest = (await self.at(cursor.height + 1)).hash
        raw = bytes.fromhex(await self._call("getblock", digest, 0))
        return Forward(BlockRef(cursor.height + 1, digest), tuple(block_outputs.payments_in_block(raw, scripts)))

    replace_in(BitcoindSource, step=step)


@mutation("the cursor is saved first, the payments of its block a moment later")
def cursor_before_payments() -> None:
    forward = Watcher._forward

    async def cursor_first(self: Any, cursor: BlockRef, ref: BlockRef, payments: Sequence[Payment]) -> None:
        await forward(self, cursor, ref, ())
        await asyncio.sleep(SLOW_DISK)

        def late(conn: Connection) -> None:
            now = self._clock()
            touched = block_processing._store(conn, payments, now, ref)
            apply_settlement.settle_invoices(conn, touched, now)

        await self._store.write(late)

    replace_in(Watcher, _forward=cursor_first)


@mutation("a reward counts at once, like any payment")
def coinbase_at_once() -> None:
    replace_in(block_outputs, COINBASE_MATURITY=0)


@mutation("the chain is known up to what its newest block says, and not up to when it was asked")
def block_time_as_known_time() -> None:
    report = Watcher._report

    async def up_to_the_tip(self: Any, waiting: Sequence[Payment], began: int) -> None:
        await report(self, waiting, (await self._source.status()).tip_time or began)

    replace_in(Watcher, _report=up_to_the_tip)


# Amounts


@mutation("of a transaction that pays us several times, the first output alone is counted")
def first_output_alone() -> None:
    scan = block_outputs._scan

    def first(*args: Any, **options: Any) -> tuple[int, list[Payment]]:
        end, payments = scan(*args, **options)
        return end, payments[:1]

    replace_in(block_outputs, _scan=first)


@mutation("amounts pass through floating point")
def float_amounts() -> None:
    replace_in(block_outputs, Sat=lambda value: Sat(int(value / 1e8 * 1e8)))


# Settlement and release


@mutation("what is merely seen settles")
def settled_when_seen() -> None:
    state = settlement._state
    replace_in(settlement, _state=lambda terms, received, confirmed, **facts: state(terms, received, received, **facts))


@mutation("one confirmation too few is enough")
def one_confirmation_too_few() -> None:
    observation = apply_settlement._observation
    replace_in(apply_settlement, _observation=lambda row, tip, smallest: observation(row, tip + 1, smallest))


@mutation("payments to expired invoices are ignored")
def late_payments_ignored() -> None:
    everybody = payments.owners
    expired = select(invoice.c.purchase_id).where(invoice.c.state == "expired")

    def owners(conn: Connection, scope: str, wanted: Collection[bytes]) -> dict[bytes, payments.Owner]:
        over = set(conn.scalars(expired))
        known = everybody(conn, scope, wanted)
        return {key: owner for key, owner in known.items() if owner.purchase_id not in over}

    replace_in(block_processing, owners=owners)


@mutation("payments are written in one transaction, invoices settled in the next")
def settled_apart() -> None:
    pending: set[str] = set()
    forward = Watcher._forward

    async def and_then_settle(self: Any, *step: Any) -> None:
        await forward(self, *step)
        await asyncio.sleep(SLOW_DISK)
        touched, now = set(pending), self._clock()
        pending.clear()
        await self._store.write(lambda conn: apply_settlement.settle_invoices(conn, touched, now))

    replace_in(block_processing, settle_invoices=lambda conn, ids, *rest: pending.update(ids))
    replace_in(Watcher, _forward=and_then_settle)


@mutation("the state is written in one transaction, the grant in the next")
def granted_apart() -> None:
    pending: list[str] = []
    forward, write = Watcher._forward, key_release.grant_purchases

    async def and_then_grant(self: Any, *step: Any) -> None:
        await forward(self, *step)
        await asyncio.sleep(SLOW_DISK)
        earned, now = list(pending), self._clock()
        pending.clear()
        await self._store.write(lambda conn: write(conn, earned, now))

    replace_in(key_release, grant_purchases=lambda conn, purchase_ids, now: pending.extend(purchase_ids))
    replace_in(Watcher, _forward=and_then_grant)


@mutation("whether an invoice was released is not read again before it is settled")
def release_not_reread() -> None:
    settle = settlement.settle
    replace_in(
        apply_settlement,
        settle=lambda terms, seen, *, released, known_until: settle(
            terms, seen, released=False, known_until=known_until
        ),
    )


@mutation("a release is taken back when its payment is undone")
def release_taken_back() -> None:
    mark = key_release.mark_lost

    def take_back(conn: Connection, purchase_id: str, lost_at: Any) -> None:
        mark(conn, purchase_id, lost_at)
        if lost_at is not None:
            conn.execute(delete(grant).where(grant.c.purchase_id == purchase_id))

    replace_in(key_release, mark_lost=take_back)


@mutation("a loss that was made good stays a loss")
def loss_never_cleared() -> None:
    replace_in(key_release, mark_recovered=lambda conn, purchase_id: None)


@mutation("the last satoshi of the loss budget cannot be used")
def budget_never_filled() -> None:
    covers = apply_settlement._Budget.covers

    def covers_less(self: Any, amount: int) -> bool:
        if not covers(self, amount + 1):
            return False
        self._left += 1
        return True

    replace_in(apply_settlement._Budget, covers=covers_less)


@mutation("confirmed money is summed up only while an invoice is in progress")
def confirmed_not_renewed() -> None:
    in_progress = select(invoice.c.purchase_id).where(invoice.c.state == "processing")
    replace_in(
        block_processing,
        _not_final=lambda conn: set(conn.scalars(in_progress)),
        _final_since=lambda conn, height: set(),
    )


@mutation("a clock that was ahead once keeps new invoices half expired")
def known_time_never_goes_back() -> None:
    set_known_until = payments_known_until.set_known_until

    def never_back(conn: Connection, scope: str, until: int, now: int) -> None:
        before = payments_known_until.payments_known_until(conn, scope)
        set_known_until(conn, scope, until, now)
        highest = update(known_until).where(known_until.c.scope == scope).values(until=max(before, until))
        conn.execute(highest)

    replace_in(payments_known_until, set_known_until=never_back)


# The second rail


@mutation("what comes in on the second rail is written down, and settles nothing")
def second_rail_not_settled() -> None:
    replace_in(payments, settle_invoices=lambda *report: None)


@mutation("what may still be taken back in the wallet counts like what is final")
def not_final_counts() -> None:
    observation = apply_settlement._observation

    def final(row: Any, tip: int, smallest: int) -> settlement.Observation:
        seen = observation(row, tip, smallest)
        return seen if seen.final is None else replace(seen, final=True)

    replace_in(apply_settlement, _observation=final)


@mutation("invoices expire by the chain alone, though the wallet is silent")
def silent_wallet_ignored() -> None:
    by_chain = select(known_until.c.until).where(known_until.c.scope == CHAIN)

    class ByChain(apply_settlement._CameIn):
        def __init__(self, conn: Connection, touched: dict[str, str]) -> None:
            super().__init__(conn, touched)
            self.known_until = dict.fromkeys(self.known_until, conn.scalar(by_chain) or 0)

    over = and_(invoice.c.state == "new", invoice.c.expires_at < bindparam("until"))
    replace_in(payments_known_until, _TOUCHED=select(invoice.c.purchase_id).where(over))
    replace_in(apply_settlement, _CameIn=ByChain)


@mutation("when the connection to the wallet is lost, it is never made again")
def wallet_never_followed_again() -> None:
    async def once(recorder: follow_rails.Recorder) -> None:
        with contextlib.suppress(Exception):
            await recorder.rail.follow(recorder.scope, recorder)
        await asyncio.Event().wait()

    replace_in(follow_rails, follow=once)


# The mempool


@mutation("a payment that was replaced or dropped is waited for all the same")
def withdrawals_ignored() -> None:
    def unconfirmed(conn: Connection, payments: Sequence[Payment], now: int, **rest: Any) -> None:
        touched = block_processing._store(conn, payments, now, None)
        apply_settlement.settle_invoices(conn, touched, now)

    replace_in(block_processing, unconfirmed=unconfirmed)


@mutation("what was scanned once is never scanned again, also when it left the mempool and came back")
def scanned_never_forgotten() -> None:
    def forget(self: Any, present: set[str]) -> None:
        for txid in self._ours.keys() - present:
            del self._ours[txid]

    replace_in(Mempool, _forget_all_but=forget)


@mutation("the mempool is known by ZMQ alone, and never read")
def zmq_alone() -> None:
    async def fetch(self: Any, missing: set[str]) -> None:
        return None

    replace_in(Mempool, _fetch=fetch)


# Scripts and staying power


@mutation("after a restart, only new invoices are watched")
def old_scripts_forgotten() -> None:
    async def load(self: Any) -> None:
        return None

    replace_in(Watcher, _load=load)


@mutation("new invoices are watched from the next restart on")
def new_scripts_unwatched() -> None:
    replace_in(OnChainRail, watch=lambda self, match_key: None)


@mutation("the watcher ends at the first trouble with node or disk")
def watching_ends_at_trouble() -> None:
    async def run(self: Any) -> None:
        while await self.attempt():
            await self._source.wait(IDLE_SECONDS)

    replace_in(Watcher, run=run)


@mutation("the event pump ends at the first trouble with the disk")
def pump_ends_at_trouble() -> None:
    async def pump(self: Any) -> None:
        while True:
            await self._deliver_if_changed()
            await self._wake.wait()

    replace_in(Hub, pump=pump)
