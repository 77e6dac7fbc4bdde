"""The second rail: a wallet service that fails, confirms late and takes back, and what was paid in it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from chaos.gateway import Unreachable
from chaos.reference import Invoice, InWallet
from wallet.rails.simulated_wallet_service import SimulatedWallet

if TYPE_CHECKING:
    from chaos.environment import Environment

RECENT = 15


class ChaosWallet:
    """The service, and which purchase each destination in it is for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.service = SimulatedWallet(path)
        self._purchases: dict[str, str] = {}

    def pay(self, purchase_id: str, destination: str, sat: int, *, final: bool) -> str:
        """Pay for a purchase."""
        self._purchases[destination] = purchase_id
        return self.service.pay(destination, sat, final=final)  # type: ignore[arg-type]

    def payments(self) -> dict[str, list[InWallet]]:
        """Everything that was not taken back, by purchase."""
        payments: dict[str, list[InWallet]] = {}
        for reference, (destination, sat, final) in self.service.read().payments.items():
            payments.setdefault(self._purchases[destination], []).append(InWallet(reference, int(sat), final))
        return payments

    def not_final(self) -> list[str]:
        """What can still become final, or be taken back."""
        return [reference for reference, (_, _, final) in self.service.read().payments.items() if not final]


def pay(environment: Environment, rng: Random) -> str | None:
    """All of it or what is missing, or more, or a part: final at once, or not yet."""
    invoice = _pick(environment, rng)
    destination = _destination(environment, invoice) if invoice is not None else None
    if invoice is None or destination is None:
        return None
    missing = max(1, invoice.amount - environment.look().received(invoice))
    sat = rng.choice([invoice.amount, missing, missing, rng.randint(1, invoice.amount), missing + rng.randint(1, 500)])
    reference = environment.wallet.pay(invoice.purchase_id, destination, sat, final=rng.random() < 0.5)
    return f"{reference} pays {sat} for {invoice.purchase_id}"


def confirm(environment: Environment, rng: Random) -> str | None:
    """A payment is final now."""
    waiting = environment.wallet.not_final()
    if not waiting:
        return None
    reference = rng.choice(waiting)
    environment.wallet.service.confirm(reference)
    return reference


def take_back(environment: Environment, rng: Random) -> str | None:
    """A payment is not made after all."""
    waiting = environment.wallet.not_final()
    if not waiting:
        return None
    reference = rng.choice(waiting)
    environment.wallet.service.cancel(reference)
    return reference


def go_down(environment: Environment, rng: Random) -> str | None:
    """The wallet answers nobody, until it comes back."""
    environment.wallet.service.set_down(True)
    return "down"


def come_back(environment: Environment, rng: Random) -> str | None:
    """The wallet answers again."""
    if not environment.wallet.service.read().down:
        return None
    environment.wallet.service.set_down(False)
    return "up"


def _pick(environment: Environment, rng: Random) -> Invoice | None:
    if not environment.invoices:
        return None
    return rng.choice(environment.invoices[-RECENT:] if rng.random() < 0.85 else environment.invoices)


def _destination(environment: Environment, invoice: Invoice) -> str | None:
    """Where it can be paid in the wallet; asked for again where the wallet was down."""
    try:
        shown = environment.gateway.ask("GET", f"/api/v1/purchases/{invoice.purchase_id}", timeout=2)
        if shown.status != 200:
            return None
        requests = [request for request in shown.json["payment_requests"] if request["rail"] == "simulated"]
        if all(request["unavailable"] for request in requests):
            path = f"/api/v1/purchases/{invoice.purchase_id}/payment-requests"
            environment.gateway.ask("POST", path, {"rail": "simulated"}, invoice.claim, timeout=2)
    except Unreachable:
        return None
    return next((str(request["destination"]) for request in requests if request["destination"]), None)
