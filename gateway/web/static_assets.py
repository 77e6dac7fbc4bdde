"""Style sheets, scripts and the widget: files asked for again each time and rarely sent twice (ETag)."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

STATIC = (Path(__file__).parent / "static").resolve()

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


async def static(request: web.Request) -> web.StreamResponse:
    """``/static/…``, and ``/widget/…``: what ``/bitcache-pay.js`` imports, by relative names."""
    return _file(STATIC / request.match_info["path"])


async def widget(_: web.Request) -> web.StreamResponse:
    """``/bitcache-pay.js``"""
    return _file(STATIC / "bitcache-pay.js")


def _file(path: Path) -> web.FileResponse:
    """Send a file that browsers must ask for again: modules import each other by plain names, without a version."""
    try:
        file = path.resolve()
        known = file.is_relative_to(STATIC) and file.suffix in _TYPES and file.is_file()
    except (ValueError, OSError):  # a name that no file can have
        known = False
    if not known:
        raise web.HTTPNotFound
    kind = f"{_TYPES[file.suffix]}; charset=utf-8"
    return web.FileResponse(file, headers={"Cache-Control": "no-cache", "Content-Type": kind})
