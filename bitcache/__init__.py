"""The domain core: what a sale is, and when a file is released.  It knows no Bitcoin, no HTTP and no clock.

One purchase, in the order of the data path:

    uploads.py     1  sealed bytes arrive in pieces
    listings.py    2  they are checked (verify_listing.py) and put up for sale
    issue_invoices.py    3  a buyer asks to pay: invoice_batching.py takes buyers who come together, purchase_requests.py and admission.py say who
                      may, address_allocation.py gives each a fresh address, purchases.py shows the result
                   4  (the wallet's watcher reports what it saw to block_processing.py)
    settlement.py  5  one pure function from payments to the invoice's state; apply_settlement.py applies it to what is stored
    key_release.py     6  the grant, and the share it hands out
    download_access.py   7  who may have the sealed bytes

Beside it:

    invoice_quotas.py      what strangers may keep open, and what more costs: a proof_of_work.py;  buyer_networks.py who a stranger's
                   neighbours are;  open_invoice_counts.py how many invoices are open
    sealing/       the sealed-file format, shares, manifest and links (docs/protocol.md §1-5)
    storage/       tables, migrations, the store with its one writer, blobs in a directory
    sellers.py     who sells, and the account each is paid to;  address_journal.py how far its addresses were given out
    sales_totals.py       what each listing sold, as sums;         unpaid_address_runs.py  addresses never paid, as runs
    zero_conf_exposure.py      released and not paid for in a block;        rescan.py    the ledger compared with the chain
    event_log.py      what the world must be told;                 master_key.py wraps gateway shares at rest
    payment_rail.py       what the core asks of the world;             batching.py  calls that wait, answered at once
    money.py  identifiers.py  safe_names.py  errors.py

Steps are plain functions ``(conn, …, now)``: the store decides when they commit, the caller what time it is.
"""

__version__ = "0.1.0"
