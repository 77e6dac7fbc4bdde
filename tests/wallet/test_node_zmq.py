"""ZMQ: where a node publishes, whether anybody answers there, and messages that are none."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
import zmq
import zmq.asyncio
from support.eventually import eventually

from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.node_answers import ZmqNotification
from wallet.chain.node_rpc import NodeRpc
from wallet.chain.node_zmq import publishes, rawtx_addresses

SCRIPT = b"\x00\x14" + b"\x22" * 20
TRANSACTION = (
    (struct.pack("<i", 2) + b"\x01" + bytes(36) + b"\x00" + b"\xff" * 4 + b"\x01" + struct.pack("<Q", 1_000))
    + bytes([len(SCRIPT)])
    + SCRIPT
    + bytes(4)
)


@pytest.mark.parametrize(
    ("offer", "host", "address"),
    [
        ("tcp://127.0.0.1:28332", "10.0.0.7", "tcp://127.0.0.1:28332"),
        ("tcp://0.0.0.0:28332", "10.0.0.7", "tcp://10.0.0.7:28332"),
        ("tcp://*:28332", "bitcoind", "tcp://bitcoind:28332"),
        ("tcp://[::]:28332", "::1", "tcp://[::1]:28332"),
        ("tcp://:::28332", "::1", "tcp://[::1]:28332"),
        ("tcp://0.0.0.0:28332", "fd00::7", "tcp://[fd00::7]:28332"),
        ("ipc:///run/rawtx", "bitcoind", "ipc:///run/rawtx"),
    ],
)
def test_an_address_that_listens_everywhere_is_the_nodes_own(offer: str, host: str, address: str) -> None:
    offers = [ZmqNotification(type="pubhashtx", address="tcp://x:1"), ZmqNotification(type="pubrawtx", address=offer)]
    assert rawtx_addresses(offers, host) == [address]


@pytest.fixture
async def publisher() -> AsyncIterator[tuple[zmq.asyncio.Socket, str]]:
    with zmq.asyncio.Context() as context, context.socket(zmq.PUB) as socket:
        socket.linger = 0
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        yield socket, f"tcp://127.0.0.1:{port}"


async def test_only_a_publisher_answers(publisher: tuple[zmq.asyncio.Socket, str]) -> None:
    """Not a closed port, not another server, and not nonsense."""
    _, address = publisher
    assert await publishes(address, 20)
    assert not await publishes("tcp://127.0.0.1:1", 0.5)
    assert not await publishes("nonsense", 0.5)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        assert not await publishes(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", 0.5)


@pytest.mark.parametrize(
    "nonsense",
    [
        [b"rawtx"],
        [b"rawtx", TRANSACTION],
        [b"rawtx", TRANSACTION, b"\x01"],
        [b"rawtx", TRANSACTION, bytes(4), b"more"],
        [b"rawtx", b"", bytes(4)],
        [b"rawtx", TRANSACTION[:30], bytes(4)],
        [b"rawtx", b"\xff" * 100, bytes(4)],
    ],
    ids=["alone", "no counter", "short counter", "more", "empty", "cut short", "noise"],
)
async def test_a_message_that_is_none_stops_no_listening(
    publisher: tuple[zmq.asyncio.Socket, str], nonsense: list[bytes]
) -> None:
    socket, address = publisher
    source = BitcoindSource(NodeRpc("http://127.0.0.1:1"), "regtest", zmq_address=address)
    source._mempool._scripts = {SCRIPT: 1}
    await source.open()

    async def heard() -> bool:
        """A publisher that was joined late misses the first messages."""
        await socket.send_multipart(nonsense)
        await socket.send_multipart([b"rawtx", TRANSACTION, bytes(4)])
        return bool(source._mempool._ours)

    try:
        await eventually(heard)
    finally:
        await source.close()
