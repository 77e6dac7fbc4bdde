"""Everything that runs, and what the harness knows of it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

from chaos import seller_and_buyers
from chaos.clock import GatewayClock
from chaos.coins import Output, Transaction
from chaos.gateway import GatewayProcess, free_port
from chaos.gateway_process import REFUSED
from chaos.lightning import ChaosLightning
from chaos.node import DEEP, ChaosNode
from chaos.reference import Invoice, InWallet, Reference, Truth
from chaos.small_disk import SmallDisk
from chaos.timings import STALE, Timings
from chaos.wallet import ChaosWallet
from chaos.zmq_proxy import ZmqProxy

#: So many invoices back, two answers to one claim are looked for.
RECENT = 200


class Violation(Exception):
    """A promise is broken."""


class Environment:
    """Node, gateway, invoices; ``ever_confirmed`` are those that the reference ever saw fully confirmed."""

    def __init__(self, coins: int, mutation: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bitcache-chaos-"))
        self.counts: Counter[str] = Counter()
        self.invoices: list[Invoice] = []
        self.unanswered: list[tuple[str, str]] = []  #: (file, claim) of purchases whose answer was lost
        self.ever_confirmed: set[str] = set()
        self.sent: dict[str, Transaction] = {}
        self.stale_branches: list[str] = []
        self.granted: dict[str, int] = {}
        self.kill_while_starting = False
        self.no_kill_before: float | None = None
        self.work_before_kill = 1.0
        self._scripts: set[str] = set()
        self._on_chain: dict[str, list[tuple[float, int]]] = {}
        self._log: TextIO = (self.folder / "events.log").open("w")
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._build(coins, mutation)
            undo.pop_all()

    def _build(self, coins: int, mutation: str | None) -> None:
        self.disk = SmallDisk(self.folder / "data")
        self.node = ChaosNode(self.folder / "node", coins)
        self.proxy = ZmqProxy(self.node.zmq_port)
        self.reference = Reference(self.node.rpc, self.node.height - DEEP)
        clock_file = self.folder / "clock"
        self.clock = GatewayClock(clock_file)
        self.timings = Timings(self.clock)
        self._config, self._port = self.folder / "config.toml", free_port()
        self.set_loss_budget(seller_and_buyers.ENDLESS_SAT)
        token = seller_and_buyers.set_up(self._config)
        self.wallet = ChaosWallet(self.folder / "wallet.jsonl")
        where = (self._config, clock_file, self.wallet.path)
        self.gateway = GatewayProcess(where, self.folder / "gateway.log", self._port, mutation)
        self.gateway.start()
        self.gateway.wait_until_up()
        self.lightning = ChaosLightning(self.folder, clock_file)
        seller_and_buyers.connect_wallet(self.gateway, token, self.lightning.connection)
        self.files = seller_and_buyers.put_on_sale(self.gateway, token, self.folder)
        self.share_hashes = {file_id: seller_and_buyers.share_hash(self.gateway, file_id) for file_id in self.files}

    @property
    def database(self) -> Path:
        """The gateway's."""
        return self.disk.folder / "bitcache.sqlite3"

    def note(self, text: str) -> None:
        """One line in the event log."""
        self._log.write(f"{time.time():.3f} {text}\n")
        self._log.flush()

    def set_loss_budget(self, sat: int) -> None:
        """How much may be released unconfirmed, from the gateway's next start on."""
        self._config.write_text(
            seller_and_buyers.CONFIG.format(
                rpc_url=self.node.process.url,
                cookie=self.node.process.cookie,
                zmq=self.proxy.address,
                port=self._port,
                data=self.disk.folder,
                expiry=seller_and_buyers.EXPIRY_SECONDS,
                zero_conf_below=seller_and_buyers.ZERO_CONF_BELOW,
                zero_conf_budget=sat,
            )
        )

    # Truth

    def look(self) -> Truth:
        """The truth now, and whoever is fully confirmed in it is remembered: only they may ever be released."""
        before, began = self.timings.looked, time.time()
        truth = self.reference.look(self._scripts, self._in_wallets())
        self.timings.look(began, truth)
        for invoice in self.invoices:
            if invoice.purchase_id not in self.ever_confirmed and self._may_be_released(invoice, truth, began):
                self.ever_confirmed.add(invoice.purchase_id)
                self.timings.confirmed(invoice.purchase_id, before)
        return truth

    def _in_wallets(self) -> dict[str, list[InWallet]]:
        """What was paid outside of the chain, by purchase."""
        payments = self.wallet.payments()
        for purchase_id, paid in self.lightning.payments().items():
            payments.setdefault(purchase_id, []).extend(paid)
        return payments

    def _may_be_released(self, invoice: Invoice, truth: Truth, now: float) -> bool:
        """Whether it is fully confirmed; the gateway may know the wallet's part of it earlier than the chain's."""
        kept = self._on_chain.setdefault(invoice.purchase_id, [])
        kept.append((now, truth.confirmed_on_chain(invoice)))
        kept[:] = [moment for moment in kept if moment[0] > now - STALE]
        return max(sat for _, sat in kept) + truth.final_in_wallet(invoice) >= invoice.amount

    # Purchases

    def begin_purchases(
        self, wanted: list[tuple[str, str]], meanwhile: Callable[[], None] = lambda: None
    ) -> list[Invoice]:
        """Ask for invoices, all at once and (file, claim) each; what is not answered is asked again later."""
        with ThreadPoolExecutor(len(wanted)) as pool:
            asked = [pool.submit(seller_and_buyers.ask_for_invoice, self.gateway, *request) for request in wanted]
            meanwhile()
        invoices = []
        for request, answer in zip(wanted, asked, strict=True):
            shown = answer.result()
            if shown is None:
                self.unanswered.append(request)
            else:
                invoices.append(self._remember(seller_and_buyers.as_invoice(shown, request[1], self.node.rpc)))
        return invoices

    def ask_again(self) -> None:
        """The purchases whose answer was lost: the same claim must give one purchase."""
        waiting, self.unanswered = self.unanswered, []
        if waiting:
            self.begin_purchases(waiting)

    def _remember(self, invoice: Invoice) -> Invoice:
        known = {invoice.claim: invoice for invoice in self.invoices[-RECENT:]}.get(invoice.claim)
        if known is not None and known != invoice:
            raise Violation(f"one claim, two answers: {known} and {invoice}")
        if known is None:
            self.invoices.append(invoice)
            self._scripts.add(invoice.script)
        return invoice

    def output(self, invoice: Invoice, sat: int) -> Output:
        """Money for an invoice."""
        return Output(bytes.fromhex(invoice.script), sat)

    # Processes

    def mind_the_gateway(self) -> None:
        """Start it again if it refused to start, which only a full disk excuses."""
        code = self.gateway.ended_with()
        if code is None:
            return
        if code != REFUSED or not self.may_refuse:
            raise Violation(f"the gateway ended by itself with exit code {code}; see {self.gateway.log}")
        self.counts["gateway refused to start on a full disk"] += 1
        self.start_gateway()

    def start_gateway(self) -> None:
        """A fresh process, under the limits of the moment."""
        self.gateway.start()
        if self.disk.is_full:
            self.disk.fill(self.gateway.pid)

    @property
    def may_refuse(self) -> bool:
        """Whether the disk was full at any time since the gateway was started last."""
        return self.disk.is_full or self.gateway.started_at < self.disk.emptied_at

    def keep_database(self) -> None:
        """A copy beside the logs: the small disk goes with the run."""
        for file in self.disk.folder.glob("*.sqlite3*"):
            shutil.copy(file, self.folder)

    def close(self) -> None:
        """End what runs."""
        for name, end in (
            ("gateway", "close"),
            ("lightning", "close"),
            ("proxy", "close"),
            ("node", "stop"),
            ("disk", "close"),
        ):
            if hasattr(self, name):
                with contextlib.suppress(Exception):
                    getattr(getattr(self, name), end)()
        self._log.close()

    def forget(self) -> None:
        """Remove the folder; only after a run without findings."""
        shutil.rmtree(self.folder, ignore_errors=True)
