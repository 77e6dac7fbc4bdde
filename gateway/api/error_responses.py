"""Errors as people and programs get them: RFC 9457 problem details.

The status comes from the error's class, the ``code`` is stable, and neither a secret nor a path of
this machine is ever in it.  An unexpected error becomes a 500 with an incident id that the log explains.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from bitcache import errors, listing_errors
from bitcache.account_errors import AccountExists, IndexChanged
from bitcache.chain_errors import ChainError, WalletError

CONTENT_TYPE = "application/problem+json"

log = structlog.get_logger("gateway.errors")

#: The first class that fits decides, so the most special stand first.
_STATUS: tuple[tuple[type[errors.BitcacheError], HTTPStatus], ...] = (
    (errors.UploadTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.UploadCorrupt, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.TooManyUploads, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.UploadError, HTTPStatus.CONFLICT),
    (errors.InvalidSettings, HTTPStatus.INTERNAL_SERVER_ERROR),
    (AccountExists, HTTPStatus.CONFLICT),
    (IndexChanged, HTTPStatus.CONFLICT),
    (errors.BadInput, HTTPStatus.BAD_REQUEST),
    (errors.SealingError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (listing_errors.FileDeleted, HTTPStatus.GONE),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (errors.TooManyInvoices, HTTPStatus.TOO_MANY_REQUESTS),
    (listing_errors.TooManyReports, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.Denied, HTTPStatus.FORBIDDEN),
    (errors.UnknownRail, HTTPStatus.NOT_FOUND),
    (errors.RailUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.InvoiceClosed, HTTPStatus.CONFLICT),
    (errors.PaymentRequired, HTTPStatus.PAYMENT_REQUIRED),
    (errors.SalesPaused, HTTPStatus.CONFLICT),
    (listing_errors.PriceChanged, HTTPStatus.CONFLICT),
    (listing_errors.ListingWithdrawn, HTTPStatus.CONFLICT),
    (listing_errors.TakenDown, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS),
    (errors.PriceTooHigh, HTTPStatus.CONFLICT),
    (ChainError, HTTPStatus.SERVICE_UNAVAILABLE),
    (WalletError, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (errors.StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
)

#: Our code for what aiohttp itself refuses.
HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    411: "length_required",
    412: "precondition_failed",
    413: "body_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    429: "too_many_requests",
    503: "unavailable",
}


def status_of(error: errors.BitcacheError) -> HTTPStatus:
    """Return the HTTP status that an error's class stands for."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(
    status: int, code: str, detail: str, hint: str = "", details: Mapping[str, Any] | None = None
) -> web.Response:
    """Return a problem details response."""
    body = {
        **(details or {}),
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "hint": hint,
    }
    return web.Response(status=status, text=json.dumps(body, ensure_ascii=False), content_type=CONTENT_TYPE)


def from_error(error: errors.BitcacheError) -> web.Response:
    """Return the response to a deliberate error."""
    response = problem(status_of(error), error.code, str(error), error.advice, error.details)
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="bitcache"'
    if isinstance(error, errors.DatabaseBusy | ChainError):
        response.headers["Retry-After"] = "5"
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


def from_http(error: web.HTTPException) -> web.Response:
    """Return the response to what aiohttp refused: no such route, method, or too large a body."""
    code = HTTP_CODES.get(error.status, "http_error")
    said_nothing = not error.text or error.text == f"{error.status}: {error.reason}"
    response = problem(error.status, code, error.reason if said_nothing else error.text or "")
    for name in ("Allow", "Content-Range", "Retry-After", "Connection"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response


def from_surprise(error: BaseException) -> web.Response:
    """Return a 500 that leaks nothing; the log has the rest under the same incident id."""
    incident = secrets.token_hex(6)
    log.error("unexpected_failure", incident=incident, exc_info=error)
    hint = "Try again. If it stays, tell the operator this number."
    return problem(500, "unexpected", "Something went wrong here; it was noted.", hint, {"incident": incident})
