"""The domain core: what a sale is, and when a file is released.  It knows no Bitcoin, no HTTP and no clock.

One purchase, in the order of the data path:

    uploads.py            1  sealed bytes arrive in pieces
    listings.py           2  they are checked (verify_listing.py) and put up for sale
      change_listings.py       price and description, for new invoices
      listing_states.py        on sale, within limits, paused, withdrawn; deleted
      listing_limits.py        until when, and how often, a file is sold
      takedowns.py             what the operator takes down, and puts back
      reports.py               what visitors told the operator
      listing_errors.py        the errors of all this
    issue_invoices.py     3  a buyer asks to pay; the result is shown by purchases.py
      invoice_batching.py      buyers who ask at the same time are served by one write
      purchase_requests.py     each request, accepted or refused
      admission.py             who may have an invoice now, and on what terms
      address_allocation.py    a fresh address for each
      payment_requests.py      the ways to pay one invoice, made with it or added later
      remote_payment_requests.py      those that another machine must make
    payments.py           4  what came in, on any rail: recorded, or withdrawn
      payments_known_until.py            up to when payments are known: only now may invoices expire
      follow_rails.py          rails that report themselves, followed
      wallet_connections.py    wallets that sellers connected, as the database keeps them
      block_processing.py      the chain's part: blocks, and what waits for one
      absent_payments.py       what waits and has left the mempool
      chain_types.py        a block, and a payment on the chain, in the core's words
    settlement.py         5  one pure function from payments to the invoice's state
      apply_settlement.py      the same, applied to what is stored
    key_release.py        6  the grant, and the key share it hands out
    download_access.py    7  who may have the sealed bytes

Limits on anonymous buyers:

    invoice_quotas.py       how many unpaid invoices may be open, and what more of them cost
    open_invoice_counts.py  how many are open, kept as counters
    buyer_networks.py       which networks an address belongs to
    proof_of_work.py        what a buyer solves when many invoices are open

Beside it:

    sealing/                 the sealed-file format, key derivation, manifest and links (docs/protocol.md §1-5)
    storage/                 tables, migrations, the database with its one writer, sealed files in a directory
    sellers.py               who sells, and the account each is paid to
    accounts.py              signing up, invitations, the sealed index
      account_code.py          what a seller keeps, and what is derived from it
      access_tokens.py         sessions of browsers, tokens for programs, and what each may do
      payout_changes.py        where one is paid changes after a delay
      account_events.py        what happened to an account
      account_errors.py        the errors of all this
      network_rates.py         how often something was done from where
      sign_up_limits.py        how many may sign up from where
      seller_quotas.py         what one seller may keep here
      sellers_overview.py      what an operator sees of them
    address_journal.py       how far each account's addresses were given out, kept outside the database
    sales.py                 a seller's sales, one by one and by day
    sales_totals.py          what each listing sold, as sums
    unpaid_address_runs.py   addresses never paid, as runs
    zero_conf_exposure.py    released without being paid for in a block; the loss budget
    rescan.py                stored payments compared with the chain, and corrected
    event_log.py             what open pages are told
    blob_store.py            the port to where sealed files are kept
    payment_rail.py          the port to a rail, a way to be paid
    rails.py                 the rails of an installation
    master_key.py            wraps gateway shares at rest
    batching.py              calls that wait at the same time, answered together
    money.py  identifiers.py  safe_names.py  errors.py  chain_errors.py

Steps are plain functions ``(conn, …, now)``: the store decides when they commit, the caller what time it is.
"""

__version__ = "0.1.0"
