"""``bitcache init``: settings, data folder, keys, and the seller's token, shown once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from bitcache.errors import InvalidSettings
from gateway.cli.command_runner import run
from gateway.cli.console import console, plain, stamp
from gateway.config.load_settings import check, load
from gateway.config.settings_text import example

#: What the example file shows for a setting that init may write.
_SHOWN = {"source": "bitcoind", "rpc_cookie": "~/.bitcoin/.cookie"}

CHAINS = ("bitcoind", "light")


def start(
    config: Path,
    descriptor: str | None,
    script_type: str | None,
    network: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    """Run the command."""
    run(_init(config, descriptor, script_type, network, source, as_json), as_json)


async def _init(
    config: Path,
    descriptor: str | None,
    script_type: str | None,
    network: str | None,
    source: str | None,
    as_json: bool,
) -> dict[str, Any]:
    if source not in (None, *CHAINS):
        raise InvalidSettings(f"--chain {source} is not known", hint="Give bitcoind or light.")
    check({"bitcoin": {"network": network or "main"}})
    from gateway.compose import (  # Bitcoin's libraries load only where they are needed
        check_payout,
        choose_chain,
        init_data_folder,
    )

    chain = None
    if not _is_there(config):
        is_node_named = bool(load().chain.rpc_url)
        chain = await choose_chain(network or "main", source, is_node_named=is_node_named)
    written = chain is not None and _write_config(config, network, chain.values)
    settings = load(config)
    if chain is None and source is not None and source != settings.chain.source:
        raise InvalidSettings(
            f"{config} says another chain: {settings.chain.source}", hint="Change chain.source there."
        )
    if network is not None and network != settings.bitcoin.network:
        raise InvalidSettings(f"{config} says another network: {settings.bitcoin.network}", hint="Change it there.")
    try:
        terms = await check_payout(settings, descriptor, _script_type(script_type)) if descriptor is not None else None
        token = await init_data_folder(settings, terms=terms)
    except BaseException:
        _take_back(config, written)
        raise
    stamp(f"Settings: {config}")
    stamp(f"Data: {settings.storage.directory}")
    if written and chain:
        stamp(chain.said)
        if chain.hint:
            console.print(plain(f"  {chain.hint}"), style="dim", soft_wrap=True)
    if terms is not None:
        console.print("  You are paid at these addresses; compare them with your wallet's first three:")
        console.print(plain("\n".join(f"    {address}" for address in terms.first)))
    console.print("  The seller's token, shown this once. Keep it like a password:", style="bold")
    if not as_json:
        typer.echo(token)
    console.print(f"  Next: bitcache serve --config {config}", style="dim", soft_wrap=True)
    return {
        "config": str(config),
        "data": str(settings.storage.directory),
        "network": settings.bitcoin.network,
        "node": chain.node if chain else None,
        "addresses": list(terms.first) if terms else [],
        "token": token,
    }


def _is_there(config: Path) -> bool:
    return config.exists()


def _script_type(typed: str | None) -> str | None:
    """``sh-wpkh`` needs no quotes in a shell."""
    return "sh(wpkh)" if typed == "sh-wpkh" else typed


def _write_config(config: Path, network: str | None, chain: Mapping[str, str]) -> bool:
    """Return the example with this folder's data in it; False when there was a file, which stays as it is."""
    folder = config.absolute().parent
    if not folder.is_dir():
        raise InvalidSettings(f"the folder {folder} is not there", hint="Make it first.")
    text = _set(example(), "directory", "data", str(folder / "data"))
    if network is not None:
        check({"bitcoin": {"network": network}})
        text = _set(text, "network", "main", network)
    for key, value in chain.items():
        text = _set(text, key, _SHOWN[key], value)
    try:
        config.touch(mode=0o600, exist_ok=False)  # for its owner alone: it may come to hold the node's password
    except FileExistsError:
        return False
    config.write_text(text, encoding="utf-8")
    return True


def _set(text: str, key: str, default: str, value: str) -> str:
    """Return the example with one of its defaults replaced."""
    return text.replace(f"# {key} = {json.dumps(default)}", f"{key} = {json.dumps(value)}", 1)


def _take_back(config: Path, written: bool) -> None:
    """Remove what this run wrote when the run fails, so that it can be repeated."""
    if written:
        config.unlink()
