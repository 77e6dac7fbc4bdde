"""Where a node publishes transactions by ZMQ, and whether somebody answers there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from wallet.chain.node_answers import ZmqNotification

#: Listens on every address of the node's machine.
_EVERYWHERE = re.compile(r"^tcp://(\*|0\.0\.0\.0|\[::\]|::)(?=:\d+$)")
_UP = {zmq.EVENT_HANDSHAKE_SUCCEEDED}


def rawtx_addresses(offers: Sequence[ZmqNotification], host: str) -> list[str]:
    """Return where a node on ``host`` says that it publishes raw transactions, as addresses to connect to."""
    shown = f"[{host}]" if ":" in host else host
    return [_EVERYWHERE.sub(f"tcp://{shown}", offer.address) for offer in offers if offer.type == "pubrawtx"]


async def publishes(address: str, seconds: float) -> bool:
    """Return whether a ZMQ publisher shakes hands at ``address`` within ``seconds``; an address that is none does not.

    A quiet node sends nothing for minutes, so a message cannot be waited for (ZMTP 3.1, "READY").
    """
    with zmq.asyncio.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.setsockopt(zmq.IPV6, 1)
        socket.subscribe(b"rawtx")
        monitor = socket.get_monitor_socket()
        try:
            socket.connect(address)
            async with asyncio.timeout(seconds):
                while (await recv_monitor_message(monitor))["event"] not in _UP:
                    pass
        except (zmq.ZMQError, TimeoutError):
            return False
        finally:
            socket.disable_monitor()
        return True
