"""The HTTP API (docs/protocol.md §7).

models.py    what is sent and received            error_responses.py   problem details
authentication.py    who is asking                        request_bodies.py   how bodies are read, and how long that may take
access.py    how handlers reach the running parts
seller.py    payout and listings                  uploads.py  sealed bytes in (tus 1.0)
buyer.py     files, purchases, share              download.py    sealed bytes out (ranges, sendfile)
event_stream.py    server-sent events                   qr_picture.py       the invoice's QR code
health.py    /healthz                             api.py     a purse that pays, in demonstrations alone
openapi.py   the OpenAPI document
"""
