"""TCP ports of this machine that nobody listens on."""

from __future__ import annotations

import secrets
import socket


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on, below the range from which the system hands out ports to others."""
    ports: list[int] = []
    while len(ports) < count:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports
