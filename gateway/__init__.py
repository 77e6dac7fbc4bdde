"""What faces people and programs: HTTP API, pages, widget, command line.

compose/         the composition root: the one package here that imports ``wallet``
app.py           the aiohttp application;  middlewares.py what every request passes;  answers.py answers on their way
listener.py      takes connections in;  visitor_limits.py who may hold how many
connections.py   one connection: what is not HTTP, or stands still
api/             the HTTP API (docs/protocol.md §7)
web/             pages, words and everything that runs in the browser
hub.py           hands what the outbox holds to open event streams;  statuses.py transfers as JSON, kept while true
client/          the other side: the HTTP client behind ``bitcache sell`` and ``bitcache buy``
cli/             the commands;  demo.py a gateway for show
proxy_notice.py  buyers who come through a proxy that the settings do not list
settings.py      every setting, once;  load_settings.py reads them
settings_text.py writes the example file and docs/settings.md from the table
errors_text.py   writes docs/errors.md from the error classes
addresses.py     addresses in the settings, checked;  hosts.py which hosts are this machine
datadir.py       the data folder;  lastrun.py whether it is the newest one;  logs.py nothing secret in any line
facts.py         what is true right now: behind /healthz, metrics.py and doctor.py
doctor.py        what is well and what is not (doctor_rules.py, doctor_health.py, findings.py)
"""
