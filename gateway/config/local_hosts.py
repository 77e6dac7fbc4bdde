"""Which hosts are this machine, and to which a secret may go unencrypted."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether ``host`` (a name or an address) is this machine, whatever a name server says (RFC 6761 §6.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")


def is_private_path(host: str) -> bool:
    """Return whether ``http://`` to ``host`` can be read by nobody on the way: this machine, or an onion service.

    An onion service's address is its public key, and the way to it is encrypted by Tor (RFC 7686).
    """
    return is_loopback(host) or host.lower().rstrip(".").endswith(".onion")
