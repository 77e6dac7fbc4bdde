"""Answers that come in pages: how many, and after which one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from bitcache.errors import BadInput

#: Rows in an answer, unless the call says otherwise, and at the most.
PAGE, LARGEST_PAGE = 100, 200

Id = TypeVar("Id")


def page_of(request: web.Request, parse: Callable[[str], Id]) -> tuple[int, Id | None]:
    """Read ``limit`` and ``after`` of the query; raise BadInput, and what ``parse`` raises."""
    after = request.query.get("after")
    return number_in(request, "limit", PAGE, LARGEST_PAGE), None if after is None else parse(after)


def number_in(request: web.Request, name: str, usual: int, largest: int) -> int:
    """Read a number from 1 to ``largest`` of the query; raise BadInput."""
    text = request.query.get(name, str(usual))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= largest:
        raise BadInput(f"{name}: write a number from 1 to {largest}", member=name)
    return int(text)
