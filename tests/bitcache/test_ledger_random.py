"""Whatever happens to the chain, in whatever order, the ledger holds what settle() says of the survivors.

Hypothesis plays the chain: blocks come and go, payments wait, vanish and return, time passes.  And it plays a wallet
service, a second rail on which every invoice can be paid, too: payments come in, become final, or are taken back.
Beside the real ledger runs the simplest possible model of both: a list of blocks, a set of waiting payments, and what
the wallet last said of each of its own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, create_engine, insert, select
from support.market import PaperRail

from bitcache import (
    block_processing,
    event_log,
    payments,
    payments_known_until,
    purchases,
    sales_totals,
    unpaid_address_runs,
)
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.identifiers import PurchaseId
from bitcache.money import Sat
from bitcache.payments import IncomingPayment
from bitcache.purchases import Purchase
from bitcache.rails import Rails
from bitcache.settlement import Observation, PaymentStatus, Settlement, State, Terms, settle
from bitcache.storage.tables import (
    grant,
    invoice,
    listing,
    listing_sales,
    metadata,
    payment_request,
    payout,
    purchase,
    seller,
)

#: four invoices of 1 000 sat: impatient, patient, one that is already over when it begins, one released when it is seen
TERMS = {
    b"k0": Terms(Sat(1_000), 1, 500),
    b"k1": Terms(Sat(1_000), 3, 500),
    b"k2": Terms(Sat(1_000), 2, 0),
    b"k3": Terms(Sat(1_000), 0, 500),
}
ENDLESS = 10**9
PAYMENTS = [
    Payment(f"{key.decode()}-{number}:0", key, Sat(amount), maturity)
    for key in TERMS
    for number, (amount, maturity) in enumerate([(1_000, 0), (600, 0), (400, 0), (1_500, 0), (1_000, 4)])
]
ORDINARY = [payment for payment in PAYMENTS if not payment.maturity]
WALLET = "wallet:second"
RAILS = Rails(PaperRail("r"))
#: what can come in on the second rail, by reference: the invoice's key there, and satoshis
WALLET_PAYMENTS = {
    f"w{key.decode()}-{amount}": (b"w" + key, Sat(amount)) for key in TERMS for amount in (400, 600, 1_000)
}


class Chain(RuleBasedStateMachine):
    """The real ledger and its model."""

    @initialize()
    def begin(self) -> None:
        """An empty chain at height 10, and three invoices."""
        self.engine = create_engine("sqlite://")
        self.conn = self.engine.connect()
        metadata.create_all(self.conn)
        _insert_invoices(self.conn)
        block_processing.start(self.conn, BlockRef(10, "start"))
        self.refs = [BlockRef(10, "start")]
        self.blocks: list[list[Payment]] = [[]]
        self.waiting: set[Payment] = set()
        self.seen_at: dict[Payment, int] = {}
        self.released: dict[bytes, int] = {}
        self.lost: dict[bytes, int] = {}
        self.in_wallet: dict[str, PaymentStatus] = {}
        self.wallet_seen_at: dict[str, int] = {}
        self.chain_until = self.wallet_until = self.now = 0
        self.shown: dict[PurchaseId, Purchase] = {}
        self.last_event = 0

    def teardown(self) -> None:
        """Forget it."""
        if hasattr(self, "conn"):
            self.conn.close()
            self.engine.dispose()

    @rule(payments=st.sets(st.sampled_from(PAYMENTS), max_size=4))
    def a_block_comes(self, payments: set[Payment]) -> None:
        """With payments that are in no block yet, seen before or not."""
        fresh = [payment for payment in PAYMENTS if payment in payments and payment not in self.mined()]
        ref = BlockRef(self.refs[-1].height + 1, f"block {self.now}")
        block_processing.extend(self.conn, self.refs[-1], ref, fresh, self.now)
        self.refs.append(ref)
        self.blocks.append(fresh)
        self.waiting -= set(fresh)
        self.see(fresh)

    @precondition(lambda self: len(self.refs) > 1)
    @rule()
    def a_block_is_undone(self) -> None:
        """Its payments wait again; a coinbase is gone."""
        block_processing.undo(self.conn, self.refs.pop(), self.now)
        self.waiting |= {payment for payment in self.blocks.pop() if not payment.maturity}
        self.see([])

    @rule(payments=st.sets(st.sampled_from(ORDINARY), max_size=4))
    def the_mempool_is_read(self, payments: set[Payment]) -> None:
        """Exactly these wait; a late message may still name some that are in a block."""
        listed = sorted(payments, key=lambda payment: payment.reference)
        block_processing.unconfirmed(self.conn, listed, self.now, loss_budget=ENDLESS)
        self.waiting = payments - self.mined()
        self.see(list(self.waiting), unconfirmed=True)

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds: int) -> None:
        """Nothing is reported: nothing changes."""
        self.now += seconds

    @rule(behind=st.integers(-400, 400))
    def the_chain_is_known(self, behind: int) -> None:
        """Invoices may expire, and are open again when a clock that ran ahead is set right."""
        self.chain_until = max(0, self.now - behind)
        payments_known_until.set_known_until(self.conn, CHAIN, self.chain_until, self.now)
        self.see([])

    @rule(behind=st.integers(-400, 400))
    def the_wallet_is_known(self, behind: int) -> None:
        """An invoice expires when both the chain and the wallet are known up to its end."""
        self.wallet_until = max(0, self.now - behind)
        payments_known_until.set_known_until(self.conn, WALLET, self.wallet_until, self.now)
        self.see([])

    @rule(references=st.sets(st.sampled_from(sorted(WALLET_PAYMENTS)), max_size=3), final=st.booleans())
    def the_wallet_reports(self, references: set[str], final: bool) -> None:
        """New ones, old ones again, old ones that are final now; what was final stays so."""
        reported = [IncomingPayment(name, *WALLET_PAYMENTS[name], final) for name in sorted(references)]
        payments.record(self.conn, WALLET, reported, self.now)
        for name in references:
            self.wallet_seen_at.setdefault(name, self.now)
            if self.in_wallet.get(name) is not PaymentStatus.FINAL:
                self.in_wallet[name] = PaymentStatus.FINAL if final else PaymentStatus.SURVIVING
        self.see([])

    @rule(references=st.sets(st.sampled_from(sorted(WALLET_PAYMENTS)), max_size=3))
    def the_wallet_takes_back(self, references: set[str]) -> None:
        """What is not final."""
        payments.withdraw(self.conn, "second", references, self.now)
        for name in references:
            if self.in_wallet.get(name) is PaymentStatus.SURVIVING:
                self.in_wallet[name] = PaymentStatus.WITHDRAWN
        self.see([])

    def mined(self) -> set[Payment]:
        """All payments in blocks."""
        return {payment for block in self.blocks for payment in block}

    def see(self, payments: list[Payment], *, unconfirmed: bool = False) -> None:
        """Remember first sights, what is released for ever, and since when it is lost."""
        for payment in payments:
            self.seen_at.setdefault(payment, self.now)
        for key in TERMS:
            state = self.expected(key, unconfirmed=unconfirmed).state
            if state is State.SETTLED:
                self.released.setdefault(key, self.now)
                self.lost.pop(key, None)
            elif state is State.INVALID:
                self.lost.setdefault(key, self.now)
        self.now += 1

    def expected(self, key: bytes, *, unconfirmed: bool = False) -> Settlement:
        """What settle() says of the payments that survive in the model.

        Only a reading of the mempool (``unconfirmed``) releases what no block pays for: until then it is held back.
        """
        terms = TERMS[key]
        result = self.settle(key, terms)
        if terms.confirmations == 0 and key not in self.released and not unconfirmed:
            return self.settle(key, replace(terms, confirmations=1)) if result.state is State.SETTLED else result
        return result

    def settle(self, key: bytes, terms: Terms) -> Settlement:
        """By these terms."""
        depths = {payment: len(self.blocks) - place for place, block in enumerate(self.blocks) for payment in block}
        depths.update(dict.fromkeys(self.waiting, 0))
        survivors = [
            Observation(payment.amount, depth, self.seen_at[payment], payment.maturity, smallest=1)
            for payment, depth in depths.items()
            if payment.key == key
        ]
        survivors += [
            Observation(WALLET_PAYMENTS[name][1], 0, self.wallet_seen_at[name], final=final)
            for name, final in self.wallet_payments(key)
        ]
        until = min(self.chain_until, self.wallet_until)
        return settle(terms, survivors, released=key in self.released, known_until=until)

    def wallet_payments(self, key: bytes) -> list[tuple[str, bool]]:
        """Those on the second rail that survive, and whether they are final."""
        return [
            (name, status is PaymentStatus.FINAL)
            for name, status in self.in_wallet.items()
            if status is not PaymentStatus.WITHDRAWN and WALLET_PAYMENTS[name][0] == b"w" + key
        ]

    @invariant()
    def the_events_tell(self) -> None:
        """Whatever a purchase shows otherwise than before, an event of the same transaction says so."""
        shown = purchases.views(self.conn, RAILS, [PurchaseId(key.decode()) for key in TERMS])
        news = {event.subject for event in event_log.after(self.conn, self.last_event)}
        assert {name for name, purchase in shown.items() if self.shown.get(name, purchase) != purchase} <= news
        self.shown, self.last_event = shown, event_log.newest(self.conn)

    @invariant()
    def the_kept_sums_agree(self) -> None:
        """Sales by listing, and the runs of unpaid addresses, equal what reading every invoice says."""
        [row] = self.conn.execute(select(listing_sales)).all() or [("f", 0, 0, 0)]
        assert sales_totals.recount(self.conn) == {"f": sales_totals.Sales(row[1], row[2], Sat(row[3]))}
        by_request = select(payment_request.c.match_key, payment_request.c.received_sat, payment_request.c.key_index)
        rows = self.conn.execute(by_request.order_by(payment_request.c.key_index)).all()
        assert {row.match_key: row.received_sat for row in rows} == self.received()
        received = [row.received_sat > 0 for row in rows if row.key_index is not None]
        runs = [len(list(run)) for paid, run in groupby(received) if not paid]
        assert unpaid_address_runs.longest(self.conn, 1, len(received)) == max(runs, default=0)

    def received(self) -> dict[bytes, int]:
        """What came in by payment request."""
        sums = {key: 0 for known in TERMS for key in (known, b"w" + known)}
        for payment in self.mined() | self.waiting:
            sums[payment.key] += payment.amount
        for known in TERMS:
            sums[b"w" + known] += sum(WALLET_PAYMENTS[name][1] for name, _ in self.wallet_payments(known))
        return sums

    @invariant()
    def the_ledger_agrees(self) -> None:
        """State, marks, sums, times and grants."""
        for row in self.conn.execute(select(invoice)).all():
            key = row.purchase_id.encode()
            wanted = self.expected(key)
            got = (row.state, row.marks, row.received_sat, row.confirmed_sat)
            assert got == (wanted.state, " ".join(sorted(wanted.marks)), wanted.received, wanted.confirmed)
            assert row.confirmations == min(wanted.confirmations, row.required_confirmations)
            seen = [self.seen_at[payment] for payment in self.surviving(key)]
            seen += [self.wallet_seen_at[name] for name, _ in self.wallet_payments(key)]
            assert row.seen_at == min(seen, default=None)
            assert row.settled_at == self.released.get(key)
        grants = {row.purchase_id.encode(): (row.granted_at, row.lost_at) for row in self.conn.execute(select(grant))}
        assert grants == {key: (granted_at, self.lost.get(key)) for key, granted_at in self.released.items()}

    def surviving(self, key: bytes) -> list[Payment]:
        """Payments in blocks and waiting ones."""
        return [payment for payment in self.mined() | self.waiting if payment.key == key]


def _insert_invoices(conn: Connection) -> None:
    conn.execute(
        insert(payout).values(
            id=1, rail="r", account="a", script_type="wpkh", minimum_sat=1, next_index=len(TERMS), created_at=0
        )
    )
    conn.execute(insert(seller).values(id=1, name="s", token_hash=b"t", payout_id=1, created_at=0))
    sealed = dict.fromkeys(("signature", "groups", "meta", "wrapped_share"), b"")
    conn.execute(
        insert(listing).values(
            file_id="f", seller_id=1, price_sat=1_000, sealed_size=72, manifest="", created_at=0, **sealed
        )
    )
    for index, (key, terms) in enumerate(TERMS.items()):
        name = key.decode()
        conn.execute(insert(purchase).values(id=name, file_id="f", claim_hash=key, created_at=0))
        fresh = {
            "state": "new",
            "marks": "",
            "received_sat": 0,
            "confirmed_sat": 0,
            "confirmations": 0,
            "created_at": 0,
        }
        conn.execute(
            insert(invoice).values(
                purchase_id=name,
                payout_id=1,
                amount_sat=terms.amount,
                required_confirmations=terms.confirmations,
                expires_at=terms.expires_at,
                **fresh,
            )
        )
        on_chain = {"rail": "r", "scope": CHAIN, "match_key": key, "minimum_sat": 1, "payout_id": 1, "key_index": index}
        in_wallet = {"rail": "second", "scope": WALLET, "match_key": b"w" + key, "minimum_sat": 0}
        for way in (on_chain, in_wallet):
            shown = {"purchase_id": name, "destination": name, "expires_at": terms.expires_at, "received_sat": 0}
            conn.execute(insert(payment_request).values(created_at=0, **shown, **way))


Chain.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestRandomChain = Chain.TestCase
