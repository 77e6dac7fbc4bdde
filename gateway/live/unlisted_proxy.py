"""Notices that buyers come through a proxy that ``server.trusted_proxies`` does not list: all of them look like one."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import structlog

log = structlog.get_logger("gateway.live.unlisted_proxy")


class UnlistedProxy:
    """Says it once in the log, and leaves the proxy's address in a file for ``bitcache doctor``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said = False

    def seen(self, address: str) -> None:
        """Note that the machine at ``address`` forwarded a request.

        A file that cannot be written is no reason to fail.
        """
        if self._said:
            return
        self._said = True
        hint = f'If that is your own proxy, set server.trusted_proxies = ["{address}"].'
        log.warning("unlisted_proxy", address=address, hint=hint)
        try:
            self._path.write_text(address, encoding="ascii")
        except OSError as error:
            log.warning("unlisted_proxy_not_noted", reason=error.strerror)


def noticed(path: Path) -> str | None:
    """Return the address that was left there, if one was."""
    try:
        return str(ipaddress.ip_address(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        return None
