"""Where peers are, and a connection to one: direct, or through a SOCKS5 proxy such as Tor's."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from dataclasses import dataclass

from bitcache.errors import InvalidSettings
from wallet.networks import facts

PORTS = {"main": 8333, "test": 18333, "testnet4": 48333, "signet": 38333, "regtest": 18444}


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a peer listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(text: str, network: str) -> PeerAddress:
    """``host``, ``host:port`` or ``[v6]:port``; raise InvalidSettings."""
    facts(network)
    host, port = text.strip(), ""
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    port = port.lstrip(":") or str(PORTS[network])
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidSettings(f"{text!r} is no peer", hint="Write host:port, for example 192.0.2.7:8333.")
    return PeerAddress(host, int(port))


async def dial(address: PeerAddress, proxy: PeerAddress | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a TCP connection, through a SOCKS5 proxy (RFC 1928, no password) if there is one."""
    if proxy is None:
        return await asyncio.open_connection(address.host, address.port)
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        writer.write(b"\x05\x01\x00")
        if await reader.readexactly(2) != b"\x05\x00":
            raise OSError("the proxy wants a password")
        writer.write(b"\x05\x01\x00" + _socks_target(address))
        _, status, _, kind = await reader.readexactly(4)
        if status:
            raise OSError(f"the proxy refused ({status})")
        await reader.readexactly({1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0])
        await reader.readexactly(2)
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _socks_target(address: PeerAddress) -> bytes:
    try:
        packed = ipaddress.ip_address(address.host).packed
        where = (b"\x01" if len(packed) == 4 else b"\x04") + packed
    except ValueError:
        name = address.host.encode("idna")
        where = b"\x03" + bytes([len(name)]) + name
    return where + struct.pack(">H", address.port)
