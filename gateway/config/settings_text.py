"""``config.example.toml`` and ``docs/settings.md``, written from the table in :mod:`gateway.config.settings`."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gateway.config.settings import sections

ROOT = Path(__file__).resolve().parents[2]

_EXAMPLE_HEAD = """\
# Bitcache's settings, each with its default. Copy this file, and take away the # where you want something else.
# Every setting is also an environment variable: BITCACHE_SERVER__PORT=8403 wins over [server] port.
# Made from gateway/config/settings.py by: python -m gateway.config.settings_text --write
"""

_DOCS_HEAD = """\
# Settings

Made from `gateway/config/settings.py` by `python -m gateway.config.settings_text --write`; the loader reads the
same table.

A value is taken from the environment (`BITCACHE_<SECTION>__<KEY>`, lists as JSON), else from the TOML file given with
`--config`, else from the default. A name that is not listed here is refused, with the nearest one that is.
"""


def example() -> str:
    """Return the text of ``config.example.toml``."""
    parts = [_EXAMPLE_HEAD]
    for section, model in sections():
        lines = [f"[{section}]", f"# {model.__doc__}"]
        for key, field in model.model_fields.items():
            lines += ["", *textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"# {key} = {_toml(field)}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def docs() -> str:
    """Return the text of ``docs/settings.md``."""
    parts = [_DOCS_HEAD]
    for section, model in sections():
        lines = [f"## {section}", "", f"{model.__doc__}", "", "| setting | default | what it does |", "|---|---|---|"]
        for key, field in model.model_fields.items():
            lines.append(f"| `{section}.{key}` | {_shown(field)} | {field.description} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def files() -> dict[Path, str]:
    """Return each generated file and what it should hold."""
    return {ROOT / "config.example.toml": example(), ROOT / "docs" / "settings.md": docs()}


def main(arguments: Sequence[str]) -> int:
    """``--write`` renews the files; without it, says which are out of date."""
    stale = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--write" in arguments:
            path.write_text(files()[path], encoding="utf-8")
        sys.stdout.write(f"{'written' if '--write' in arguments else 'out of date'}: {path.name}\n")
    return 1 if stale and "--write" not in arguments else 0


def _toml(field: FieldInfo) -> str:
    if field.default is None:
        return f"{_text((field.examples or [''])[0])}  # an example: not set by default"
    return _text(field.default)


def _shown(field: FieldInfo) -> str:
    return "unset" if field.default is None else f"`{_text(field.default)}`"


def _text(value: Any) -> str:
    """Return a default as TOML; every kind of value used here is spelled as JSON spells it."""
    if isinstance(value, SecretStr):
        return json.dumps(value.get_secret_value())
    if isinstance(value, Path):
        return json.dumps(str(value))
    if isinstance(value, int) and value >= 10_000:
        return f"{value:_}"
    return json.dumps(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
