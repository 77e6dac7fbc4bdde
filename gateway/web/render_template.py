"""Pages from templates, in the reader's language, with what every page needs."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from bitcache.money import btc_text
from gateway.context import context_of
from gateway.web.translations import Translations, grouped, preferred

_TEMPLATES = Environment(
    loader=PackageLoader("gateway.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(btc=btc_text, grouped=grouped)


def words_of(request: web.Request) -> Translations:
    """Return the words in the reader's language."""
    return preferred(request.headers.get("Accept-Language", ""))


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """Send a page; never kept by caches, since it shows states and may belong to a cookie."""
    words, context = words_of(request), context_of(request)
    text = _TEMPLATES.get_template(template).render(
        t=words, words=words.table, lang=words.language, demo=context.demo, simulated=context.simulated, **values
    )
    headers = {"Content-Language": words.language, "Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
