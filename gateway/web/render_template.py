"""Pages from templates, in the reader's language, with what every page needs."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from bitcache.money import btc_text
from gateway.context import context_of
from gateway.web.translations import LANGUAGES, NAMES, Translations, grouped, preferred, words

_TEMPLATES = Environment(
    loader=PackageLoader("gateway.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(btc=btc_text, grouped=grouped)

#: Set by static/language-switch.js.
LANGUAGE_COOKIE = "bitcache.language"


def words_of(request: web.Request) -> Translations:
    """Return the words in the language that the reader chose on a page, or else that the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return words(chosen) if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", ""))


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """Send a page; never kept by caches, since it shows states and may belong to a cookie."""
    chosen, context = words_of(request), context_of(request)
    text = _TEMPLATES.get_template(template).render(
        t=chosen,
        words=chosen.table,
        lang=chosen.language,
        languages=NAMES,
        demo=context.demo,
        simulated=context.simulated,
        **values,
    )
    headers = {"Content-Language": chosen.language, "Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
