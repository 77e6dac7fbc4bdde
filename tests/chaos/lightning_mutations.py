"""Faults in the Lightning rail, for the list in :mod:`chaos.mutations`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete

from bitcache import apply_settlement
from bitcache.errors import RailUnavailable
from bitcache.payment_rail import AwaitedRequest
from bitcache.storage.tables import payment
from chaos.mutations import mutation, replace_in
from wallet.lightning.bolt11_invoice import decode
from wallet.rails import lightning, lookup_schedule
from wallet.rails.lightning import LightningRail
from wallet.rails.lookup_schedule import LookupSchedule


@mutation("a notification is believed without a lookup")
def notification_believed() -> None:
    hint, look_up, believed = LookupSchedule.hint, LightningRail._look_up, set[bytes]()

    def remember(self: Any, match_key: bytes) -> None:
        believed.add(match_key)
        hint(self, match_key)

    async def believe(
        self: Any, scope: str, wallet: Any, request: AwaitedRequest, schedule: Any, recorder: Any
    ) -> None:
        if request.match_key in believed:
            await recorder.record([lightning._payment_of(request.destination)])
        await look_up(self, scope, wallet, request, schedule, recorder)

    replace_in(LookupSchedule, hint=remember)
    replace_in(LightningRail, _look_up=believe)


@mutation("an invoice that was looked up once is looked up again only when it is notified")
def looked_up_once() -> None:
    replace_in(lookup_schedule._Lookup, is_over=lambda self, now: self.looked_at is not None)


@mutation("a lookup that says failed undoes a settled payment")
def failed_undoes_settled() -> None:
    look_up = LightningRail._look_up

    async def undo(self: Any, scope: str, wallet: Any, request: AwaitedRequest, schedule: Any, recorder: Any) -> None:
        await look_up(self, scope, wallet, request, schedule, recorder)
        if (await wallet.look_up(decode(request.destination))).state == "failed":
            await recorder.store.write(lambda conn: _undo(conn, request.match_key.hex(), self._clock()))

    replace_in(LightningRail, _look_up=undo)


@mutation("a Lightning wallet that does not answer is taken for one that was not paid")
def silence_is_no_payment() -> None:
    follow = LightningRail.follow

    async def as_if_known(self: Any, scope: str, recorder: Any) -> None:
        try:
            await follow(self, scope, recorder)
        except RailUnavailable:
            await recorder.known_until(self._clock())
            raise

    replace_in(LightningRail, follow=as_if_known)


def _undo(conn: Connection, reference: str, now: int) -> None:
    gone = delete(payment).where(payment.c.reference == reference).returning(payment.c.purchase_id)
    apply_settlement.settle_invoices(conn, (), now, paid=set(conn.scalars(gone)))
