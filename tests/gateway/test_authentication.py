"""Whose request it is: addresses behind proxies, and keys that say nothing about them."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.api.authentication import bearer, client_address, unlisted_proxy

TRUSTED = ("10.0.0.0/8", "127.0.0.1/32")


def asked(remote: str, forwarded: str | None = None) -> str:
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    return client_address(make_mocked_request("GET", "/", headers=headers).clone(remote=remote), TRUSTED)


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", " , ", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1:5678", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1:5678, 10.0.0.7:80", "198.51.100.1"),
        ("127.0.0.1", "[2001:db8::1]:99", "2001:db8::1"),
        ("127.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("127.0.0.1", "2001:DB8:0::1", "2001:db8::1"),
        ("127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, _hidden:77", "127.0.0.1"),
        ("127.0.0.1", "1.2.3.4:5678:9, [::1", "127.0.0.1"),
    ],
)
def test_client_address(remote: str, forwarded: str | None, client: str) -> None:
    """Only our own proxies are believed, and only as far as they reach."""
    assert asked(remote, forwarded) == client


@pytest.mark.parametrize(
    ("remote", "headers", "proxy"),
    [
        ("172.17.0.1", {"X-Forwarded-For": "198.51.100.1"}, "172.17.0.1"),
        ("::1", {"Forwarded": "for=198.51.100.1"}, "::1"),
        ("::ffff:192.168.1.9", {"X-Forwarded-For": ""}, "192.168.1.9"),
        ("10.1.2.3", {"X-Forwarded-For": "198.51.100.1"}, None),
        ("203.0.113.5", {"X-Forwarded-For": "198.51.100.1"}, None),
        ("172.17.0.1", {}, None),
    ],
)
def test_a_proxy_of_our_own_that_is_not_listed(remote: str, headers: dict[str, str], proxy: str | None) -> None:
    """It is private and forwards; a stranger's proxy and a listed one are none."""
    assert unlisted_proxy(make_mocked_request("GET", "/", headers=headers).clone(remote=remote), TRUSTED) == proxy


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "abc"])
def test_no_bearer(header: str) -> None:
    """What is no bearer secret counts as none."""
    assert bearer(make_mocked_request("GET", "/", headers={"Authorization": header})) is None
