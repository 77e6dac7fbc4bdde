"""``/f/<F>/report``: a form that works without JavaScript; what is sent, and to whom, is said on it."""

from __future__ import annotations

from aiohttp import web

from bitcache import listings
from bitcache.errors import BadInput, InvalidLink
from bitcache.identifiers import FileId, parse_file_id
from bitcache.listing_errors import TooManyReports
from bitcache.reports import LONGEST_CONTACT, LONGEST_TEXT, NewReport, ReportKind
from bitcache.sealing.file_link import parse_link
from gateway.api import reports
from gateway.api.request_bodies import form_fields
from gateway.context import context_of
from gateway.web.own_site import refuse_other_sites
from gateway.web.render_template import page, words_of

_PAGE = "/f/{file_id:[A-Za-z0-9_-]{22}}/report"


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [web.get(_PAGE, form), web.post(_PAGE, send)]


async def form(request: web.Request) -> web.Response:
    """Show the form."""
    file_id = parse_file_id(request.match_info["file_id"])
    await context_of(request).store.read(lambda conn: listings.get(conn, file_id))  # 404, 451
    return _page(request, file_id)


async def send(request: web.Request) -> web.Response:
    """Keep what was written, and say so; what is wrong is said with the form as it was filled in."""
    refuse_other_sites(request)
    file_id = parse_file_id(request.match_info["file_id"])
    typed = await form_fields(request)
    try:
        said = _said(typed, file_id)
    except BadInput as error:
        return _page(request, file_id, wrong=str(error), typed=typed)
    try:
        await reports.keep(request, file_id, said)
    except BadInput:
        return _page(request, file_id, wrong="report.wrong.link", typed=typed)
    except TooManyReports:
        return _page(request, file_id, wrong="error.too_many_reports", typed=typed)
    return _page(request, file_id, sent=True)


def _page(
    request: web.Request,
    file_id: FileId,
    *,
    sent: bool = False,
    wrong: str | None = None,
    typed: dict[str, str] | None = None,
) -> web.Response:
    words = words_of(request)
    return page(
        request,
        "report.html",
        status=200 if wrong is None else 400,
        file_id=file_id,
        sent=sent,
        wrong=wrong,
        typed=typed or {},
        kinds={kind.value: words(f"report.is_{kind.value}") for kind in ReportKind},
        longest=LONGEST_TEXT,
        longest_contact=LONGEST_CONTACT,
    )


def _said(typed: dict[str, str], file_id: FileId) -> NewReport:
    """Read the form; raise BadInput, whose message is the key of a sentence."""
    text, contact, link = typed.get("text", ""), typed.get("contact", ""), typed.get("link", "")
    if typed.get("kind") not in list(ReportKind):
        raise BadInput("report.wrong.kind")
    if not 1 <= len(text) <= LONGEST_TEXT or len(contact) > LONGEST_CONTACT:
        raise BadInput("report.wrong.text")
    return NewReport(ReportKind(typed["kind"]), text, contact, _link_share(link, file_id) if link else None)


def _link_share(text: str, file_id: FileId) -> bytes:
    try:
        link = parse_link(text)
    except InvalidLink:
        raise BadInput("report.wrong.link") from None
    if link.file_id != file_id:
        raise BadInput("report.wrong.link")
    return link.link_share
