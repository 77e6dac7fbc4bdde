"""``bitcache invite`` and ``bitcache token``: secrets made beside a running gateway, printed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from bitcache.access_tokens import Scope
from bitcache.errors import BadInput
from gateway.cli.command_runner import run
from gateway.cli.console import stamp
from gateway.cli.serve import settings_in
from gateway.compose import make_invite, make_token


def invite(config: Path, days: int, as_json: bool) -> None:
    """Run ``bitcache invite``."""
    run(_invite(config, days, as_json), as_json)


def token(config: Path, name: str, seller: str | None, scope: str, as_json: bool) -> None:
    """Run ``bitcache token``."""
    run(_token(config, name, seller, scope, as_json), as_json)


async def _invite(config: Path, days: int, as_json: bool) -> dict[str, Any]:
    settings = settings_in(config)
    link = f"{settings.public_url}/sell#invite={await make_invite(settings, days)}"
    if settings.accounts.sign_up == "closed":
        stamp('Nobody can sign up yet: set accounts.sign_up = "invite" and restart the gateway', "bold yellow")
    stamp(f"For one new seller, within {days} days")
    if not as_json:
        typer.echo(link)
    return {"link": link, "days": days}


async def _token(config: Path, name: str, seller: str | None, scope: str, as_json: bool) -> dict[str, Any]:
    if scope not in (Scope.READ, Scope.SELL):
        raise BadInput("a token's scope is read or sell", hint="Say --scope read or --scope sell.")
    made = await make_token(settings_in(config), seller, name, Scope(scope))
    stamp("Shown this once: keep it like a password")
    if not as_json:
        typer.echo(made)
    return {"token": made, "scope": scope}
