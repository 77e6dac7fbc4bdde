"""Events that move money.  Each takes the environment and a generator of its own; None: there was nothing to do."""

from __future__ import annotations

from random import Random

from bitcache.identifiers import b64u
from chaos.coins import Coin, Output, Transaction, spend
from chaos.environment import Environment
from chaos.reference import Invoice
from chaos.rpc import Refused

RECENT = 30
SPARE = 20_000


def new_invoice(environment: Environment, rng: Random) -> str | None:
    """A buyer asks to pay, or asks again when the answer was lost."""
    wanted = choose_purchase(environment, rng)
    if environment.unanswered and rng.random() < 0.6:
        wanted = environment.unanswered.pop(0)
    return _told(environment.begin_purchases([wanted]))


def new_invoices_at_once(environment: Environment, rng: Random) -> str | None:
    """Many buyers ask in the same moment, one of them twice."""
    wanted = [choose_purchase(environment, rng) for _ in range(rng.randint(2, 12))]
    return _told(environment.begin_purchases([*wanted, wanted[0]]))


def choose_purchase(environment: Environment, rng: Random) -> tuple[str, str]:
    """A file and a fresh claim."""
    return rng.choice(environment.files), b64u(rng.randbytes(32))


def pay_exactly(environment: Environment, rng: Random) -> str | None:
    """What is asked, in one output."""
    return _pay_one(environment, rng, 1.0)


def pay_partly(environment: Environment, rng: Random) -> str | None:
    """Less than is asked."""
    return _pay_one(environment, rng, rng.uniform(0.15, 0.95))


def pay_over(environment: Environment, rng: Random) -> str | None:
    """More than is asked."""
    return _pay_one(environment, rng, rng.uniform(1.001, 3.0))


def pay_the_rest(environment: Environment, rng: Random) -> str | None:
    """Exactly what is missing on an invoice that was partly paid."""
    truth = environment.look()
    partly = [invoice for invoice in environment.invoices if 0 < truth.received(invoice) < invoice.amount]
    if not partly:
        return None
    invoice = rng.choice(partly)
    return _pay(environment, rng, [environment.output(invoice, invoice.amount - truth.received(invoice))])


def pay_in_pieces(environment: Environment, rng: Random) -> str | None:
    """Exactly what is asked, over several transactions."""
    invoice = _pick(environment, rng)
    if invoice is None:
        return None
    cuts = sorted(rng.sample(range(1, invoice.amount), rng.randint(1, 3)))
    pieces = [high - low for low, high in zip([0, *cuts], [*cuts, invoice.amount], strict=True)]
    return " ".join(_pay(environment, rng, [environment.output(invoice, piece)]) for piece in pieces)


def pay_several_at_once(environment: Environment, rng: Random) -> str | None:
    """One transaction to two or more invoices, sometimes twice to one of them."""
    invoices = [invoice for invoice in (_pick(environment, rng) for _ in range(rng.randint(2, 4))) if invoice]
    if not invoices:
        return None
    outputs = [environment.output(invoice, invoice.amount) for invoice in invoices]
    if rng.random() < 0.4:
        outputs.append(environment.output(invoices[0], rng.randint(1, 5_000)))
    rng.shuffle(outputs)
    return _pay(environment, rng, outputs)


def pay_late(environment: Environment, rng: Random) -> str | None:
    """What is asked, after the invoice's time."""
    late = [invoice for invoice in environment.invoices if invoice.expires_at < environment.clock.now()]
    if not late:
        return None
    invoice = rng.choice(late)
    return _pay(environment, rng, [environment.output(invoice, invoice.amount)])


def replace(environment: Environment, rng: Random) -> str | None:
    """A waiting payment is replaced by a dearer one: to the same invoice, to another, or to nobody of ours."""
    sent = _waiting(environment, rng)
    if sent is None:
        return None
    made = spend(list(sent.coins), _instead(environment, rng, sent), sent.fee + SPARE)
    environment.node.send(made)
    environment.sent[made.txid] = made
    return f"replaced {sent.txid} by {made.txid}"


def double_spend(environment: Environment, rng: Random) -> str | None:
    """A block spends the coins of a waiting payment elsewhere."""
    sent = _waiting(environment, rng)
    if sent is None:
        return None
    made = spend(list(sent.coins), _instead(environment, rng, sent), sent.fee + 1)
    environment.node.mine_these([made.raw])
    environment.sent[made.txid] = made
    return f"double-spent {sent.txid} by {made.txid}"


def coinbase_to_invoice(environment: Environment, rng: Random) -> str | None:
    """A block's reward pays an invoice; it must mature first."""
    invoice = _pick(environment, rng)
    if invoice is None:
        return None
    environment.node.mine(1, invoice.address)
    return f"coinbase to {invoice.purchase_id}"


def send_again(environment: Environment, rng: Random) -> str | None:
    """What reorganisations and a killed node dropped comes back."""
    again = 0
    for txid in rng.sample(sorted(environment.sent), min(len(environment.sent), 10)):
        try:
            environment.node.send(environment.sent[txid].raw)
        except Refused:
            continue
        again += 1
    return f"sent {again} again" if again else None


def instead(environment: Environment, rng: Random, sent: Transaction) -> Transaction:
    """A transaction that cannot stand beside ``found``."""
    made = spend(list(sent.coins), _instead(environment, rng, sent), sent.fee + 2)
    environment.sent[made.txid] = made
    return made


def _told(invoices: list[Invoice]) -> str:
    return " ".join(f"{invoice.purchase_id} {invoice.amount} sat" for invoice in invoices) or "not answered"


def _pay_one(environment: Environment, rng: Random, part: float) -> str | None:
    invoice = _pick(environment, rng)
    if invoice is None:
        return None
    return _pay(environment, rng, [environment.output(invoice, max(1, int(invoice.amount * part)))])


def _pay(environment: Environment, rng: Random, outputs: list[Output]) -> str:
    """From one coin; the change is sometimes spent while it waits, so that payments hang on each other."""
    made = spend([environment.node.take()], outputs, rng.randint(1_000, 4_000))
    environment.node.send(made)
    environment.sent[made.txid] = made
    if rng.random() < 0.3 and made.outputs[-1].sat > 60_000:
        environment.node.coins.append(Coin(made.txid, len(made.outputs) - 1, made.outputs[-1].sat))
    return f"{made.txid} pays {[output.sat for output in outputs]}"


def _pick(environment: Environment, rng: Random) -> Invoice | None:
    """Mostly a recent one."""
    if not environment.invoices:
        return None
    return rng.choice(environment.invoices[-RECENT:] if rng.random() < 0.85 else environment.invoices)


def _waiting(environment: Environment, rng: Random) -> Transaction | None:
    waiting = [txid for txid in environment.node.mempool() if txid in environment.sent]
    return environment.sent[rng.choice(waiting)] if waiting else None


def _instead(environment: Environment, rng: Random, sent: Transaction) -> list[Output]:
    """Where the coins go instead."""
    other = _pick(environment, rng)
    ours = list(sent.outputs[:1])
    choices: list[list[Output]] = [[], [Output(output.script, max(1, output.sat - 1)) for output in ours]]
    if other is not None:
        choices.append([environment.output(other, other.amount)])
    return rng.choice(choices)
