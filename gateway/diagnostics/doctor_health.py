"""What a gateway that runs beside ``bitcache doctor`` says of itself."""

from __future__ import annotations

import aiohttp
from pydantic import ValidationError

from gateway.api.models import Health
from gateway.config.settings import Settings

SECONDS = 10.0
#: Listening everywhere, it listens here too.
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


async def health_of_running(settings: Settings) -> Health | None:
    """Return its ``/healthz``; None when it gives none (it is starting, or a rescan holds the folder)."""
    host = _HERE.get(settings.server.host, settings.server.host)
    shown = f"[{host}]" if ":" in host else host
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{shown}:{settings.server.port}/healthz") as response,
        ):
            return Health.model_validate_json(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, ValidationError):
        return None
