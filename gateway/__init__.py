"""What faces people and programs: HTTP API, pages, widget, command line.

compose/         the composition root: the one package here that imports ``wallet``
server/app.py           the aiohttp application;  server/middlewares.py what every request passes;  server/response_pacing.py answers on their way
server/listener.py      takes connections in;  server/visitor_limits.py who may hold how many
server/malformed_requests.py   one connection: what is not HTTP, or stands still
api/             the HTTP API (docs/protocol.md §7)
web/             pages, words and everything that runs in the browser
live/hub.py           hands what the outbox holds to open event streams;  live/purchase_cache.py purchases as JSON, kept while true
client/          the other side: the HTTP client behind ``bitcache sell`` and ``bitcache buy``
cli/             the commands;  demo/demonstration.py a gateway for show
server/unlisted_proxy.py  buyers who come through a proxy that the settings do not list
config/settings.py      every setting, once;  config/load_settings.py reads them
config/settings_text.py writes the example file and docs/settings.md from the table
api/error_docs.py   writes docs/errors.md from the error classes
config/address_formats.py     addresses in the settings, checked;  config/local_hosts.py which hosts are this machine
config/data_folder.py       the data folder;  config/restored_backup.py whether it is the newest one;  diagnostics/logs.py nothing secret in any line
diagnostics/facts.py         what is true right now: behind /healthz, diagnostics/metrics.py and diagnostics/doctor.py
diagnostics/doctor.py        what is well and what is not (diagnostics/doctor_rules.py, diagnostics/doctor_health.py, diagnostics/findings.py)
"""
