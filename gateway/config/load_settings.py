"""Reads settings: a TOML file, the environment, and what no two of them may say together."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bitcache.errors import InvalidSettings
from gateway.config.settings import ENVIRONMENT_PREFIX, Settings, names


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a TOML file (none: the defaults), overridden by the environment; raise InvalidSettings."""
    tables = _read(path) if path is not None else {}
    for name, value in _from_environment(os.environ if environ is None else environ):
        section, key = name.split(".")
        tables.setdefault(section, {})[key] = value
    return check(tables)


def check(tables: Mapping[str, Any]) -> Settings:
    """Validated settings from tables of plain values; raise InvalidSettings, which names the setting."""
    _refuse_unknown(tables)
    try:
        return _possible(Settings.model_validate(tables))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"][:2])
        raise InvalidSettings(f"{name}: {first['msg'].removeprefix('Value error, ')}", setting=name) from None


def _possible(settings: Settings) -> Settings:
    """Return settings that do not contradict each other."""
    if settings.chain.source == "light" and settings.invoices.zero_conf_below_sat:
        raise InvalidSettings(
            "invoices.zero_conf_below_sat: the light client sees a payment only in its block",
            hint='Take it away, or follow a node of your own (chain.source = "bitcoind").',
            setting="invoices.zero_conf_below_sat",
        )
    named = len(set(settings.chain.light_peers))
    if settings.chain.source == "light" and 0 < named < settings.chain.light_connections:
        raise InvalidSettings(
            f"chain.light_peers: {named} named, of which {settings.chain.light_connections} must agree",
            hint="Name as many as chain.light_connections or more, or none. For one node that is yours set that to 1.",
            setting="chain.light_peers",
        )
    return settings


def unknown_names(path: Path) -> list[InvalidSettings]:
    """Return an error for every name in a TOML file that is no setting."""
    known = names()
    try:
        tables = _read(path)
    except InvalidSettings:
        return []
    return [_unknown(name, known) for name in _names_in(tables) if name not in known]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"the settings file cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"the settings file is not TOML: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """``BITCACHE_SECTION__KEY`` as (``section.key``, value); lists are written as JSON, empty means not set."""
    for variable, text in sorted(environ.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX) or "__" not in variable or not text:
            continue
        section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        yield f"{section}.{key.replace('.', '_')}", _plain(variable, text)


def _plain(variable: str, text: str) -> Any:
    if not text.startswith("["):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidSettings(f"{variable} is not a JSON list") from None


def _refuse_unknown(tables: Mapping[str, Any]) -> None:
    known = names()
    for name in _names_in(tables):
        if name not in known:
            raise _unknown(name, known)


def _names_in(tables: Mapping[str, Any]) -> Iterator[str]:
    for section, table in tables.items():
        keys = table if isinstance(table, Mapping) else [""]
        yield from (f"{section}.{key}".rstrip(".") for key in keys)


def _unknown(name: str, known: list[str]) -> InvalidSettings:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    last = name.rpartition(".")[2]
    near = near or [known_name for known_name in known if known_name.endswith(f".{last}")][:1]
    hint = f"Did you mean {near[0]}?" if near else "The settings are listed in docs/settings.md."
    return InvalidSettings(f"there is no setting {name}", hint=hint, setting=name)
