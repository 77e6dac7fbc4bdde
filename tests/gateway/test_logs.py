"""Logs: useful lines, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bitcache.identifiers import new_file_id, new_secret
from gateway.config.settings import Log
from gateway.diagnostics import logs


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging as it was before."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    logs.clear()


@pytest.fixture
def out(restored: None) -> io.StringIO:
    """What was logged, as JSON lines."""
    stream = io.StringIO()
    logs.configure(Log(level="debug", format="json"), stream)
    return stream


def test_bound_values_are_in_every_line(out: io.StringIO) -> None:
    """A purchase id bound once is in our lines and in those of libraries."""
    logs.bind(purchase_id="T")
    structlog.get_logger("gateway").info("seen", amount=1)
    logging.getLogger("library").warning("hm %s", "x")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["amount"], ours["purchase_id"]) == ("seen", 1, "T")
    assert (theirs["event"], theirs["purchase_id"]) == ("hm x", "T")


def test_secrets_are_hidden_wherever_they_stand(out: io.StringIO) -> None:
    """By name, by shape, in nested values, in messages, in tracebacks, and from libraries."""
    secret = new_secret()
    log = structlog.get_logger("gateway")
    log.info("a", claim=secret, seller_token="short", nested={"password": "hunter2", "list": [secret]})
    log.info(f"link https://g.example/f/{new_file_id()}#{secret[:22]} and %23{secret[:22]}.{secret}")
    log.info("header", header=f"Bearer {secret}")
    logging.getLogger("library").error("got %r", f"/f/x%23{secret[:22]}")
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
    text = out.getvalue()
    assert len(text.splitlines()) == 5
    for hidden in (secret, secret[:22], "short", "hunter2"):
        assert hidden not in text


def test_sql_parameters_are_never_logged(out: io.StringIO) -> None:
    """SQLAlchemy would quote them at debug level."""
    assert not logging.getLogger("sqlalchemy.engine.Engine").isEnabledFor(logging.INFO)
    assert not logging.getLogger("aiosqlite").isEnabledFor(logging.DEBUG)
    assert out.getvalue() == ""


@pytest.mark.usefixtures("restored")
def test_console_is_readable() -> None:
    """The other format: words on one line."""
    stream = io.StringIO()
    logs.configure(Log(format="console"), stream)
    structlog.get_logger("gateway").info("listening", url="http://x")
    assert "listening" in stream.getvalue()
    assert "url=http://x" in stream.getvalue()
