"""One range of bytes out of a file that never changes (RFC 9110 §13-14)."""

from __future__ import annotations

import re

from aiohttp import web

_ONE_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)


def wanted(request: web.Request, size: int, etag: str) -> range | None:
    """Return the bytes asked for, or None for all of them; raises 416 when they lie beyond the end.

    ``If-Range`` with any other version asks for everything.  Several ranges at once, and what is no range, are
    answered with everything too, as the standard allows.
    """
    asked = request.headers.get("Range")
    if asked is None or request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    match = _ONE_RANGE.fullmatch(asked)
    if match is None or match.groups() == ("", ""):
        return None
    resolved = _resolve(match[1][:20], match[2][:20], size)
    if resolved is not None and not resolved:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return resolved


def not_modified(request: web.Request, etag: str) -> bool:
    """Return whether the asker has these very bytes already."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    return etag in known or known == ["*"]


def _resolve(first: str, last: str, size: int) -> range | None:
    if not first:
        return range(max(0, size - int(last)), size)
    start, end = int(first), min(int(last) + 1 if last else size, size)
    if last and int(last) < start:
        return None
    return range(start, end)
