"""Two real Lightning wallets on a private chain, for demonstrations and tests: Electrum daemons, a channel, a relay.

electrum_programs.py   their programs, found or fetched (get_electrum.sh)
electrum_daemon.py     one wallet, by its JSON-RPC
electrum_server.py     the server that both ask about the chain
private_relay.py       a Nostr relay on this machine, by which they are asked for invoices
electrum_pair.py       all of it put together: a seller that receives only, a buyer that pays
wait_until.py          until something else is ready
"""
