"""Logging: structlog everywhere, nothing secret in any line.

JSON in production, readable lines on a terminal.  Whatever is bound with ``bind(purchase_id=…)`` appears
in every line of that request.  The libraries' own loggers run through the same processors; ours write straight
to the stream, because a detour through the standard library's records would double the price of an access line.

Redaction is the last step before a line is written, so it sees tracebacks too:

* a member whose name speaks of a claim, token, share, password … loses its value;
* anything after ``#`` or ``%23``, after ``Bearer``, and any word of 43 base64url characters (a 32-byte
  secret) is masked wherever it stands.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.config.settings import Log

HIDDEN = "<hidden>"

_SECRET_NAME = re.compile(
    r"claim|token|share|secret|authori[sz]ation|password|passwd|cookie|fragment|master_?key|seed|xprv", re.IGNORECASE
)
_SECRET_TEXT = (
    (re.compile(r"(#|%23)[A-Za-z0-9_.\-]{20,}"), r"\1" + HIDDEN),
    (re.compile(r"(Bearer\s+)[^\s'\",]+", re.IGNORECASE), r"\1" + HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}=?(?![A-Za-z0-9_-])"), HIDDEN),
)
#: Whatever one of the patterns above matches, this matches too.
_SUSPECT = re.compile(r"#|%23|bearer|[A-Za-z0-9_-]{43}", re.IGNORECASE)
#: Their debug output quotes the parameters of statements, or every packet.
_QUIET = ("sqlalchemy", "aiosqlite", "alembic", "asyncio", "urllib3", "bitcoinlib")


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Send every log line of this process to ``stream`` (standard error), in the format that settings name."""
    out = stream if stream is not None else sys.stderr
    console = settings.format == "console" or (settings.format == "auto" and out.isatty())
    level = logging.getLevelName(settings.level.upper())
    finish = _finish(console=console, colors=out.isatty())
    structlog.configure(
        processors=[*_shared(), *finish],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_Lines, out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(finish))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _Lines:
    """Writes finished lines of the logger ``name``, each in one piece."""

    def __init__(self, out: TextIO, name: str = "") -> None:
        self.name = name
        self._out = out

    def msg(self, line: str) -> None:
        """Write, whatever the level: it was looked at before."""
        self._out.write(line + "\n")
        self._out.flush()

    debug = info = warning = error = critical = msg


def bind(**values: Any) -> None:
    """Add to every later line of this task, for example ``purchase_id``."""
    structlog.contextvars.bind_contextvars(**values)


def clear() -> None:
    """Forget what was bound: the start of a request."""
    structlog.contextvars.clear_contextvars()


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return the processor that removes secrets."""
    for key, value in event.items():
        event[key] = _without_secrets(key, value)
    return event


def masked(text: str) -> str:
    """``text`` without anything that may be a secret."""
    if not _SUSPECT.search(text):  # nearly always
        return text
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return text


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _without_secrets(name: str, value: Any) -> Any:
    if _is_secret(name):
        return HIDDEN
    if type(value) is str:
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets("", inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(str(value) if isinstance(value, str) else repr(value))


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _finish(*, console: bool, colors: bool) -> list[Processor]:
    """Return the processors from the event to its line."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=colors)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return [structlog.processors.format_exc_info, redact, renderer]


def _formatter(finish: list[Processor]) -> logging.Formatter:
    """Return the same for the libraries' records."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
    )
