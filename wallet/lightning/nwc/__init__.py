"""Nostr Wallet Connect (NIP-47): a wallet asked for invoices by encrypted messages over relays.

connection_string.py   what the seller pastes: the wallet's key, relays, and a secret
nostr_event.py         events, signed and checked (NIP-01)
message_cipher.py      what is inside them, encrypted: by NIP-44, or by NIP-04 for wallets that speak nothing newer
relay.py               one relay: publish, subscribe, reconnect
nwc_connection.py      requests and their answers, notifications, over every relay of the wallet
nwc_wallet.py          a seller's wallet: invoices made and looked up
nwc_payer.py           a buyer's wallet: an invoice paid once
"""
