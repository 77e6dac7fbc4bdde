"""The domain core: what a sale is, and when a file is released.  It knows no Bitcoin, no HTTP and no clock.

One transfer, in the order of the data path:

    uploads.py     1  sealed bytes arrive in pieces
    listings.py    2  they are checked (inspection.py) and put up for sale
    invoices.py    3  a buyer asks to pay: till.py takes buyers who come together, orders.py and admission.py say who
                      may, addresses.py gives each a fresh address, transfers.py shows the result
                   4  (the wallet's watcher reports what it saw to ledger.py)
    settlement.py  5  one pure function from payments to the invoice's state; settling.py applies it to what is stored
    release.py     6  the grant, and the share it hands out
    downloads.py   7  who may have the sealed bytes

Beside it:

    quotas.py      what strangers may keep open, and what more costs: a proof_of_work.py;  networks.py who a stranger's
                   neighbours are;  open_counts.py how many invoices are open
    sealing/       the sealed-file format, shares, manifest and links (docs/protocol.md §1-5)
    storage/       tables, migrations, the store with its one writer, blobs in a directory
    sellers.py     who sells, and the account each is paid to;  highwater.py how far its addresses were given out
    sales.py       what each listing sold, as sums;         unpaid_runs.py  addresses never paid, as runs
    losses.py      released and not paid for in a block;        rescan.py    the ledger compared with the chain
    outbox.py      what the world must be told;                 masterkey.py wraps gateway shares at rest
    ports.py       what the core asks of the world;             together.py  calls that wait, answered at once
    money.py  identifiers.py  names.py  errors.py

Steps are plain functions ``(conn, …, now)``: the store decides when they commit, the caller what time it is.
"""

__version__ = "0.1.0"
