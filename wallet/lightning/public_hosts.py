"""Connections to hosts that strangers name reach the public internet alone, never this machine or those beside it.

The address is checked when the socket is made, so neither a name that resolves anew, nor a redirect, nor an address in
another spelling leads elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

import aiohttp

#: Addresses that carry another one in them: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
_CARRIERS = [ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _CARRIERS):
            return False
    return ip.is_global and not ip.is_multicast


def connector(*, private: bool) -> aiohttp.TCPConnector:
    """Return a connector for hosts that strangers name; ``private``: others as well, where coins are worth nothing."""
    return aiohttp.TCPConnector() if private else aiohttp.TCPConnector(socket_factory=_public_socket)


def _public_socket(address_info: Sequence[Any]) -> socket.socket:
    family, kind, protocol, _, address = address_info
    if not is_public(str(address[0])):
        raise OSError("this host is not on the public internet")
    return socket.socket(family, kind, protocol)
