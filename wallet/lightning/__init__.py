"""Lightning wallets that sellers connect: the gateway asks them for invoices, and whether those were paid.

lightning_wallet.py      the port to a wallet: describe itself, make an invoice, look one up, hint at payments
bolt11_invoice.py        BOLT11 invoices, decoded and checked here, whatever the wallet says of them
  bolt11_reader.py         their fields, checksum and signature
open_connection.py       what a seller pasted, told apart and opened
nwc/                     wallets by Nostr Wallet Connect
lightning_address.py     wallets by their Lightning address (LNURL-pay), whose service says what was paid
lnbits_wallet.py         wallets on an LNbits server, by their invoice key
public_json.py           JSON from servers that strangers name
public_hosts.py          connections to hosts that strangers name: the public internet alone
simulated_lightning.py   a wallet in this process or a file: demonstrations and tests
electrum/                two real wallets with a channel between them, on a private chain: demonstrations and tests
"""
