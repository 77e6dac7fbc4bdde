"""A real Nostr relay on loopback: rust-nostr's LocalRelay.  ``relay-python nostr_local_relay.py <port>``."""

import asyncio
import sys

from nostr_sdk import LocalRelayBuilder, RateLimit  # type: ignore[import-not-found]


async def main() -> None:
    """Serve until killed."""
    limit = RateLimit(max_reqs=500, notes_per_minute=int(sys.argv[2]))
    relay = LocalRelayBuilder().addr("127.0.0.1").port(int(sys.argv[1])).rate_limit(limit).build()
    await relay.run()
    await asyncio.Event().wait()


asyncio.run(main())
