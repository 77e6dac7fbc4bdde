"""Step 7, download: who may have the sealed bytes, and from when.

From the moment that enough was *seen*: sealed bytes alone open nothing, and when the payment confirms
only the share is missing.  What was released once stays available for ever, however often it is asked for.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from bitcache.errors import ClaimMismatch, PaymentRequired
from bitcache.identifiers import FileId, PurchaseId
from bitcache.key_release import purchase_of_claim
from bitcache.settlement import State
from bitcache.storage.tables import grant, invoice, purchase


def authorise(conn: Connection, claim: str, file_id: FileId) -> PurchaseId:
    """Return the purchase that allows this claim's holder to download the file.

    Raise ClaimMismatch (no purchase's claim, or that of another file) or PaymentRequired.
    """
    purchase_id = purchase_of_claim(conn, claim)
    statement = (
        select(purchase.c.file_id, invoice.c.state, grant.c.granted_at)
        .join(invoice, invoice.c.purchase_id == purchase.c.id)
        .outerjoin(grant, grant.c.purchase_id == purchase.c.id)
    )
    row = conn.execute(statement.where(purchase.c.id == purchase_id)).one()
    if row.file_id != file_id:
        raise ClaimMismatch("this claim secret is for another file")
    if row.granted_at is None and row.state != State.PROCESSING:
        raise PaymentRequired(purchase_id=purchase_id)
    return purchase_id
