"""Step 7, download: who may have the sealed bytes, and from when.

From the moment that enough was *seen*: sealed bytes alone open nothing, and when the payment confirms
only the share is missing.  What was released once stays available for ever, however often it is asked for.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from bitcache.errors import ClaimMismatch, PaymentRequired
from bitcache.identifiers import FileId, TransferId
from bitcache.release import transfer_of_claim
from bitcache.settlement import State
from bitcache.storage.tables import grant, invoice, transfer


def authorise(conn: Connection, claim: str, file_id: FileId) -> TransferId:
    """The transfer that allows this claim's holder to download the file.

    Raises ClaimMismatch (no transfer's claim, or that of another file) or PaymentRequired.
    """
    transfer_id = transfer_of_claim(conn, claim)
    purchase = (
        select(transfer.c.file_id, invoice.c.state, grant.c.granted_at)
        .join(invoice, invoice.c.transfer_id == transfer.c.id)
        .outerjoin(grant, grant.c.transfer_id == transfer.c.id)
    )
    row = conn.execute(purchase.where(transfer.c.id == transfer_id)).one()
    if row.file_id != file_id:
        raise ClaimMismatch("this claim secret is for another file")
    if row.granted_at is None and row.state != State.PROCESSING:
        raise PaymentRequired(transfer_id=transfer_id)
    return transfer_id
