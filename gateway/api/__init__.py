"""The HTTP API (docs/protocol.md §7).

models.py           what is sent and received
authentication.py   who is asking
request_bodies.py   how bodies are read, and how long that may take
accounts.py         sign up, sessions, tokens, the sealed index
  account_models.py   what of that is sent and received
  money_proof.py      what it takes to change where one is paid
seller.py           payout and listings
own_files.py        what a seller takes along of the own files
sales.py            what was sold, one by one and by day; sales_models.py: as it is sent
paging.py           answers that come in pages
wallet_connection.py  the Lightning wallet that a seller connects
uploads.py          sealed bytes in (tus 1.0)
buyer.py            files, purchases, key share
purchase_views.py   a purchase, looked up for a handler
reports.py          what visitors tell the operator
listing_models.py   what the last two take
download.py         sealed bytes out; byte_ranges.py reads ``Range``
event_stream.py     server-sent events
qr_picture.py       the payment request's QR code
health.py           /healthz
openapi.py          the OpenAPI document
error_responses.py  problem details (RFC 9457)
"""
