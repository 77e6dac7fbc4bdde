"""A peer that lies at random: forged blocks, filters that leave payments out, lines cut, bytes that mean nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from support.peer_chain import PeerBlock, PeerChain, double_sha256, golomb_coded
from support.peer_server import HANG_UP, PeerServer

from wallet.chain.light.consensus import RULES
from wallet.chain.regtest_node import RegtestNode

FORGED_SAT = 50_000
#: Questions that a peer is asked, each with the name of its answer.
QUESTIONS = {
    "version": "version",
    "getheaders": "headers",
    "getcfheaders": "cfheaders",
    "getcfilters": "cfilter",
    "getdata": "block",
}


class LyingPeer(PeerServer):
    """Knows what ``node`` has, and shows something else.  ``scripts`` are what its forged blocks pay."""

    def __init__(self, node: RegtestNode, chaos: random.Random, scripts: Sequence[bytes]) -> None:
        super().__init__("regtest", PeerChain(RULES["regtest"]))
        self.lies: Counter[str] = Counter()
        self.forged_height = 0  #: the highest of all forged blocks
        self._node, self._chaos, self._scripts = node, chaos, scripts
        self._truth = self.chain

    async def lie(self) -> None:
        """Learn what is true, then lie: every second time by forged blocks, else in each other way in turn."""
        self._truth = self._truth.fork()
        await self._truth.follow(self._node)
        self.answers.clear()
        others = [self.leave_out, self.hang_up, self.send_garbage, self.answer_garbage]
        seldom = min(self.lies[other.__name__] for other in others)
        rest = [other for other in others if self.lies[other.__name__] == seldom]
        kind = self.forge if self.lies.total() % 2 == 0 else self._chaos.choice(rest)
        self.lies[kind.__name__] += 1
        kind()

    async def is_dialled_more_than(self, times: int) -> bool:
        """Whether there were more connections than so many."""
        return self.connections > times

    def forge(self) -> None:
        """Announce blocks of more work than the true ones, that begin at their end or some blocks before it."""
        back = self._chaos.choice((0, 0, 1, 4))
        forged = self._truth.fork(self._truth.height - back)
        for _ in range(back + self._chaos.randint(1, 3)):
            payments = [(FORGED_SAT, script) for script in self._chaos.sample(self._scripts, 2)]
            forged.mine(payments, when=forged.time_and_bits(forged.height)[0] + 1)
        self.forged_height = max(self.forged_height, forged.height)
        self.announce(forged)

    def leave_out(self) -> None:
        """Announce the true blocks, the newest each with a filter of nothing that it pays."""
        shown = self._truth.fork(self._truth.height - 6)
        for block in self._truth.blocks[-6:]:
            content = golomb_coded(block.digest, {b"\x51"})
            header = double_sha256(double_sha256(content) + shown.filter_header)
            shown.blocks.append(PeerBlock(block.height, block.raw, content, header))
        self.announce(shown)

    def hang_up(self) -> None:
        """Hang up now, and whenever one question is asked."""
        self.answers[self._chaos.choice(list(QUESTIONS))] = lambda _: HANG_UP
        self.announce(self._truth)
        self.hang_up_on_all()

    def send_garbage(self) -> None:
        """Send bytes that are no message, unasked."""
        self.announce(self._truth)
        self.send_raw(self._chaos.randbytes(self._chaos.randint(1, 2_000)))

    def answer_garbage(self) -> None:
        """Answer one question by a message with any content."""
        question, content = self._chaos.choice(list(QUESTIONS)), self._chaos.randbytes(self._chaos.randint(0, 200))
        self.answers[question] = lambda _: [(QUESTIONS[question], content)]
        self.announce(self._truth)
