"""A light client for tests, on a private node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.eventually import eventually

from bitcache.chain_types import BlockRef
from wallet.chain.chain_source import ChainStatus, Scripts, Step
from wallet.chain.light.light_source import LightSource
from wallet.chain.regtest_node import RegtestNode


class PromptLight(LightSource):
    """Answers when it has heard of the node's newest block, which otherwise takes some milliseconds."""

    def __init__(self, node: RegtestNode, folder: Path, **options: Any) -> None:
        peers = ["{}:{}".format(*node.p2p)]
        super().__init__("regtest", folder, **{"peers": peers, "connections": 1, **options})
        self._node = node

    async def open(self) -> None:
        await super().open()
        await self.heard()

    async def tip(self) -> BlockRef:
        await self.heard()
        return await super().tip()

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        await self.heard()
        return await super().step(cursor, scripts)

    async def status(self) -> ChainStatus:
        await self.heard()
        return await super().status()

    async def heard(self) -> None:
        """Of the newest block, and counted its peers."""

        async def same() -> bool:
            counted = (await super(PromptLight, self).status()).peers
            ours, theirs = await super(PromptLight, self).tip(), await self._node.rpc("getbestblockhash")
            return bool(counted and ours.hash == theirs)

        await eventually(same, 90)
