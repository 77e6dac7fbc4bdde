"""``docs/errors.md``, written from the error classes: codes, HTTP statuses, exit codes.

``python -m gateway.cli.error_docs --write`` renews the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bitcache import errors
from gateway.api.error_responses import HTTP_CODES, status_of
from gateway.cli.command_runner import exit_code

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"

_HEAD = """\
# Errors

Made by `python -m gateway.cli.error_docs --write` from the classes in `bitcache/errors.py`,
`bitcache/account_errors.py`, `bitcache/chain_errors.py` and `gateway/client/errors.py`; a test compares.

`code` is stable: programs and translations depend on it. A program that meets a code it does not know goes by the HTTP
status. Over HTTP every error is a problem document (RFC 9457), [protocol §7](protocol.md#7-http-api); on the command
line it is an exit code, and with `--json` also `{"error": {"code", "message", "hint"}}`. Where there is no HTTP status,
only a client can find it.

## Ours

| code | HTTP | exit | what happened | what to do |
|---|---|---|---|---|
"""
_HTTP_HEAD = """
## Of HTTP itself

| code | HTTP |
|---|---|
"""
_END = """\
| `unexpected` | 500: a fault of ours; `incident` is the number under which the gateway's log explains it |
"""


def page() -> str:
    """Return the text of the page."""
    ours = "".join(_row(kind) for kind in _below(errors.BitcacheError))
    plain = "".join(f"| `{code}` | {status} |\n" for status, code in HTTP_CODES.items())
    return _HEAD + ours + _HTTP_HEAD + plain + _END


def main(arguments: Sequence[str]) -> int:
    """Write the page with ``--write``; else return 1 if it is out of date."""
    if "--write" in arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    return int(PAGE.read_text(encoding="utf-8") != page())


def _below(kind: type[errors.BitcacheError]) -> Iterator[type[errors.BitcacheError]]:
    """Yield every class below ``kind``, the shipped ones alone, in the order in which they are defined."""
    for child in kind.__subclasses__():
        if child.__module__.split(".")[0] in ("bitcache", "wallet", "gateway"):
            if "code" in vars(child):  # else it is its parent to everyone outside
                yield child
            yield from _below(child)


def _row(kind: type[errors.BitcacheError]) -> str:
    error = kind()
    status = str(int(status_of(error))) if kind.__module__.startswith("bitcache.") else ""
    meaning = (kind.__doc__ or "").splitlines()[0]
    return f"| `{kind.code}` | {status} | {exit_code(error)} | {meaning} | {kind.hint} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
