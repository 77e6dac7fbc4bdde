"""Visitors report a file; the operator reads it with the command line."""

from __future__ import annotations

from aiohttp import web

from bitcache import reports
from bitcache.identifiers import FileId, parse_file_id, unb64u
from bitcache.listing_errors import TooManyReports
from bitcache.reports import NewReport, ReportKind
from bitcache.sealing import key_derivation
from gateway.api import authentication
from gateway.api import listing_models as models
from gateway.api.request_bodies import json_body
from gateway.context import context_of

#: The longest text, every character escaped, and the rest.
REPORT_BODY = 32 * 1024


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [web.post("/api/v1/files/{file_id}/reports", report)]


async def report(request: web.Request) -> web.Response:
    """Keep what a visitor says about a file."""
    file_id = parse_file_id(request.match_info["file_id"])
    asked = await json_body(request, models.NewReport, REPORT_BODY)
    share = None
    if asked.link_share is not None:
        share = unb64u(asked.link_share, key_derivation.LINK_SHARE_SIZE, "link share")
    await keep(request, file_id, NewReport(ReportKind(asked.kind), asked.text, asked.contact, share))
    return web.Response(status=204)


async def keep(request: web.Request, file_id: FileId, said: NewReport) -> None:
    """Keep a report, unless too many came from there; raise TooManyReports, and what :func:`reports.add` raises."""
    context, now = context_of(request), context_of(request).clock()
    networks = authentication.buyer_networks(request)
    if context.report_rates.excess(networks, now) >= 1:
        raise TooManyReports("your network has reported a lot within this hour")
    context.report_rates.count(networks, now)  # before it is awaited: many may come at once
    await context.store.write(lambda conn: reports.add(conn, context.master_key, file_id, said, now))
