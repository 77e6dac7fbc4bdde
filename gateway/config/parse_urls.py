"""Addresses in the settings, checked when they are read.  What is refused is never quoted: it may hold a password."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_HOST_PORT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:\[\]/@?#]+)):(?P<port>\d{1,5})")
_LARGEST_PORT = 65_535


def origin(text: str) -> str:
    """Return ``scheme://host[:port]`` without a slash at its end; raise ValueError when it is something else."""
    text = text.rstrip("/")
    parts = _split(text, "give an origin such as https://gateway.example, without a path")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("give an origin such as https://gateway.example, without a path")
    return text


def rpc_url(text: str) -> str:
    """Return the address of a node's RPC; raise ValueError when it cannot be one."""
    example = "http://127.0.0.1:8332"
    if not re.match(r"https?://", text):
        raise ValueError(f"begin it with http://, for example {example}")
    if "@" in text and ("@" not in urlsplit(text).netloc or text.count("@") > 1):
        raise ValueError(
            "a password with / # ? or @ cannot stand in an address: put user and password into chain.rpc_user and "
            "chain.rpc_password"
        )
    parts = _split(text, f"give it like {example}")
    if parts.query or parts.fragment:
        raise ValueError(f"give it without ? and #, for example {example}")
    return text


def rpc_user(text: str) -> str:
    """Return a user name for HTTP's Basic authentication; raise ValueError when it holds a colon (RFC 7617 §2)."""
    if ":" in text:
        raise ValueError("a user name holds no colon: the password stands in chain.rpc_password")
    return text


def zmq_address(text: str) -> str:
    """Return an address to subscribe at: ``tcp://host:port`` or ``ipc://path``; raise ValueError for another."""
    scheme, _, rest = text.partition("://")
    if scheme == "ipc" and rest:
        return text
    if scheme != "tcp":
        raise ValueError("give it as the node has it, for example tcp://127.0.0.1:28332")
    if host_and_port(rest).startswith("*:"):
        raise ValueError("* is for the node alone: give the address of its machine, for example tcp://127.0.0.1:28332")
    return text


def host_and_port(text: str) -> str:
    """Return ``host:port`` or ``[IPv6 address]:port``; raise ValueError when it is something else."""
    match = _HOST_PORT.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= _LARGEST_PORT:
        raise ValueError("give host:port, for example 127.0.0.1:8333, with a port between 1 and 65535")
    return text


def _split(text: str, otherwise: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname  # both are read here, and checked
    except ValueError:
        raise ValueError(f"its port lies between 1 and {_LARGEST_PORT}; {otherwise}") from None
    if parts.scheme not in ("http", "https") or not host or port == 0 or re.search(r"[\s\\]", text):
        raise ValueError(otherwise)
    return parts
