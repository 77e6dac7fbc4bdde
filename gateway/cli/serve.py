"""``bitcache serve``: run the gateway until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gateway.config.settings import Settings

DEFAULT_CONFIG = Path("config.toml")

ConfigOption = Annotated[Path, typer.Option("--config", help="The settings file.", show_default=True)]


def serve_command(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the gateway; Ctrl-C or SIGTERM stops it in order."""
    from gateway.cli.command_runner import run

    run(_serve(config), as_json=False)


def settings_in(config: Path) -> Settings:
    """Return the settings in a file; only the default file may be missing (then: defaults and environment)."""
    from bitcache.errors import InvalidSettings
    from gateway.config.load_settings import load

    if config.exists():
        return load(config)
    if config != DEFAULT_CONFIG:
        raise InvalidSettings("there is no such settings file", hint="Make it: bitcache init --config …")
    return load()


async def _serve(config: Path) -> dict[str, Any]:
    settings = settings_in(config)
    from gateway.server.app import serve  # the server's libraries load only where they are needed

    await serve(settings)
    return {}
