"""The HTTP API (docs/protocol.md §7).

models.py    what is sent and received            errors.py   problem details
guards.py    who is asking                        bodies.py   how bodies are read, and how long that may take
access.py    how handlers reach the running parts
seller.py    payout and listings                  uploads.py  sealed bytes in (tus 1.0)
buyer.py     files, transfers, share              files.py    sealed bytes out (ranges, sendfile)
events.py    server-sent events                   qr.py       the invoice's QR code
health.py    /healthz                             demo.py     a purse that pays, in demonstrations alone
openapi.py   the OpenAPI document
"""
