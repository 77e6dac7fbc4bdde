"""A seller with one listing, written straight into the tables, and invoices to be paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select

from bitcache import block_processing
from bitcache.chain_types import CHAIN, BlockRef
from bitcache.identifiers import PurchaseId, new_file_id, new_purchase_id
from bitcache.storage.database import Store
from bitcache.storage.tables import grant, invoice, listing, payment, payment_request, payout, purchase, seller

LATER = 2**40


@dataclass
class InvoiceHarness:
    """Makes invoices and reads what became of them."""

    store: Store
    file_id: str
    issued: int = 0

    async def invoice(
        self, script: bytes, address: str, amount: int = 5_000, *, confirmations: int = 1, expires_at: int = LATER
    ) -> PurchaseId:
        """An invoice that ``script`` pays."""
        purchase_id, index = new_purchase_id(), self.issued
        self.issued += 1
        buyer = {"id": purchase_id, "file_id": self.file_id, "claim_hash": purchase_id.encode(), "created_at": 0}
        terms = {
            "purchase_id": purchase_id,
            "payout_id": 1,
            "amount_sat": amount,
            "required_confirmations": confirmations,
            "created_at": 0,
            "expires_at": expires_at,
            "state": "new",
            "marks": "",
            "received_sat": 0,
            "confirmed_sat": 0,
            "confirmations": 0,
        }
        request = {
            "purchase_id": purchase_id,
            "rail": "onchain",
            "scope": CHAIN,
            "destination": address,
            "match_key": script,
            "minimum_sat": 294,
            "expires_at": expires_at,
            "payout_id": 1,
            "key_index": index,
            "received_sat": 0,
            "created_at": 0,
        }
        rows = ((purchase, buyer), (invoice, terms), (payment_request, request))
        await self.store.write(lambda conn: [conn.execute(insert(table), row) for table, row in rows])
        return purchase_id

    async def look(self, purchase_id: str) -> Row[Any]:
        """The invoice now."""
        rows = await self.store.read(
            lambda conn: conn.execute(select(invoice).where(invoice.c.purchase_id == purchase_id)).all()
        )
        return rows[0]

    async def state(self, purchase_id: str) -> str:
        """The invoice's state now."""
        return str((await self.look(purchase_id)).state)

    async def grants(self) -> list[str]:
        """The purchases that were released."""
        return await self.store.read(lambda conn: list(conn.scalars(select(grant.c.purchase_id))))

    async def confirmed(self) -> set[tuple[str, int, int]]:
        """Every payment in a block: outpoint, amount, height."""
        columns = select(payment.c.reference, payment.c.amount_sat, payment.c.height)
        in_blocks = columns.where(payment.c.height.is_not(None))
        return await self.store.read(lambda conn: {tuple(row) for row in conn.execute(in_blocks)})

    async def cursor(self) -> BlockRef | None:
        """The watcher's cursor."""
        return await self.store.read(block_processing.cursor)


async def open_invoice_harness(store: Store) -> InvoiceHarness:
    """The first time, a seller, a payout and a listing."""
    file_id = new_file_id()
    rows = {
        payout: {
            "id": 1,
            "rail": "onchain",
            "account": "a",
            "script_type": "wpkh",
            "minimum_sat": 294,
            "next_index": 0,
            "created_at": 0,
        },
        seller: {"id": 1, "name": "s", "token_hash": b"t", "payout_id": 1, "created_at": 0},
        listing: {
            "file_id": file_id,
            "seller_id": 1,
            "price_sat": 5_000,
            "sealed_size": 1,
            "manifest": "{}",
            "signature": b"",
            "groups": b"",
            "meta": b"",
            "wrapped_share": b"",
            "created_at": 0,
        },
    }
    await store.write(lambda conn: [conn.execute(insert(table), row) for table, row in rows.items()])
    return InvoiceHarness(store, file_id)
