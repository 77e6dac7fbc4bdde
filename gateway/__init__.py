"""What faces people and programs: HTTP API, pages, widget, command line.

context.py      what request handlers share: settings, store, rails, clock, …
wallet_ports.py what handlers ask of the wallet
visitor_limits.py how many of anything one visitor may hold
compose/        the composition root: the one package here that imports ``wallet``
server/         the aiohttp application, its listener, middlewares and limits per visitor
api/            the HTTP API (docs/protocol.md §7)
web/            pages, translations and everything that runs in the browser
live/           what open pages are told, and purchases as JSON, kept while they are true
config/         settings, the files they come from, the data folder
diagnostics/    what is true right now: health, metrics, ``bitcache doctor``, logs
client/         the other side: the HTTP client behind ``bitcache sell`` and ``bitcache buy``
cli/            the commands
demo/           a gateway for show on a private network, with a wallet that pays
"""
