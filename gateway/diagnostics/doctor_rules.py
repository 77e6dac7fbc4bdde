"""What the facts mean: pure rules from facts to findings."""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Iterator, Sequence
from urllib.parse import urlsplit

from bitcache.chain_types import BlockRef
from bitcache.sellers import Payout
from gateway.api.models import Health
from gateway.compose import CALLS, CursorAt, Need, NodeFacts, WalletFacts, Zmq, whitelist
from gateway.config.local_hosts import is_loopback
from gateway.config.settings import Invoices, Settings
from gateway.diagnostics.facts import Business, Ledger
from gateway.diagnostics.findings import Finding, failed, note, ok, problem, warning

CLOCK_SECONDS = 10 * 60
#: So many events wait only when nobody delivers them.
MANY_UNREAD = 1_000
#: From this part of invoices.longest_unpaid_run on it is worth a word.
RUN_IS_LONG = 3 / 4
#: Blocks are ten minutes apart on average; one in four hundred takes an hour.
LIGHT_EXPIRY_SECONDS = 6 * 3600
#: What the light client looks at within some seconds a block (docs/light-client.md).
LIGHT_ADDRESSES = 1_000_000


def node(facts: NodeFacts, cursor: BlockRef | None, *, running: bool, rpc_user: str = "") -> Iterator[Finding]:
    """Yield findings about the node, its chain, and where the ledger stands on it."""
    status = facts.status
    yield from _calls(facts, rpc_user or "__cookie__")
    if status.error is not None and status.error.code in {error.code for error in facts.failing.values()}:
        return
    if status.error is not None:
        yield failed("node", status.error)
        return
    yield ok("node", "node_answers", f"{facts.name} answers, on {status.network}, at block {status.height}")
    if status.warning:
        yield note("node", "node_warning", f"the node itself says: {status.warning}")
    if facts.catching_up or not status.synced:
        yield warning(
            "node",
            "node_behind",
            f"the node is behind: block {status.height} of {status.headers}, or its newest block is old",
            "Wait until it has caught up. Payments in the blocks it lacks are found then; nothing expires meanwhile.",
        )
    yield from _cursor(facts, cursor, running=running)
    yield from _node_options(facts)
    yield from _clock(facts)


def _calls(facts: NodeFacts, rpc_user: str) -> Iterator[Finding]:
    """Yield a finding for calls of the gateway that the node does not answer."""
    for need, finding, lost in (
        (Need.PAYMENTS, problem, "without them no payment is seen"),
        (Need.MEMPOOL, problem, "without them a payment is seen only in its block, and no invoice expires"),
        (Need.SPEED, warning, "without them payments and blocks are seen within ten seconds, not at once"),
        (Need.FEES, warning, "without it buyers are not told what the network costs beside the price"),
        (Need.REPAIR, warning, "without them what was lost is not fetched again"),
    ):
        failing = [call.method for call in CALLS if call.need is need and call.method in facts.failing]
        if facts.pruned_below is None:  # no block of it is ever missing
            failing = [method for method in failing if method not in ("getpeerinfo", "getblockfrompeer")]
        if need is Need.SPEED and facts.zmq_address:  # the address is known without asking
            failing = [method for method in failing if method != "getzmqnotifications"]
        if failing:
            error = facts.failing[failing[0]]
            hint = error.advice
            if error.code == "node_call_forbidden":
                hint = f"In the node's bitcoin.conf: {whitelist(rpc_user)}"
            yield finding("node", error.code, f"the node does not answer {', '.join(failing)}: {lost}", hint)


def running(health: Health | None, known: Container[str]) -> Iterator[Finding]:
    """Yield what the running gateway itself says; ``known``: codes that were found already."""
    if health is None:
        yield note("node", "no_health", "a gateway holds this data folder, and its /healthz does not answer")
    elif health.node.error and health.node.error not in known:
        finding = warning if health.node.error == "node_warming_up" else problem
        yield finding(
            "node",
            health.node.error,
            f"the running gateway sees no payments: {health.node.error}",
            "Its log says why at watching_paused; payments are found as soon as it goes on.",
        )


def _cursor(facts: NodeFacts, cursor: BlockRef | None, *, running: bool) -> Iterator[Finding]:
    if cursor is None:
        yield note("node", "no_cursor", "no block was processed yet", "Watching begins when the gateway starts.")
        return
    if facts.cursor is CursorAt.ANOTHER_CHAIN:
        yield problem(
            "node",
            "node_wrong_network",
            "the node follows another chain: a block that the gateway saw long ago is not on it; payments are stopped",
            "Connect the node that the gateway used before. If this chain is the right one, stop the gateway and "
            "rebuild the payments: bitcache rescan",
        )
    elif facts.cursor is CursorAt.UNKNOWN:
        yield problem(
            "node",
            "another_datadir",
            f"the node does not know block {cursor.height}, which the gateway processed",
            "It runs on another data folder, or is behind. Put the old one back, or wait until it has caught up.",
        )
    elif facts.cursor is CursorAt.NEXT_PRUNED:
        yield problem(
            "node",
            "node_pruned",
            f"the node has deleted block {cursor.height + 1}, which comes next; payments wait",
            "Let it fetch the block (bitcoin-cli getblockfrompeer), restart it with -reindex, or set chain.rpc_url to "
            "a node that has all blocks.",
        )
    elif facts.cursor is CursorAt.OFF_CHAIN:
        yield note("node", "cursor_off_chain", f"block {cursor.height} is not on the node's chain (now)")
    lag = facts.status.height - cursor.height
    if lag > 1 and facts.cursor in (None, CursorAt.ON_CHAIN):
        text = f"the gateway has processed blocks up to {cursor.height}: {lag} behind the node"
        if running:
            yield warning("node", "cursor_behind", text, "Look at the log for watching_paused, and at /healthz.")
        else:
            yield note("node", "cursor_behind", text, "It reads them when it starts.")


def _node_options(facts: NodeFacts) -> Iterator[Finding]:
    if facts.relays_transactions is False:
        yield warning(
            "node",
            "node_blocks_only",
            "the node takes no transactions from its peers (-blocksonly): a payment is seen only in its block",
            "Start it without -blocksonly; else tell buyers to wait, and set invoices.expiry_seconds to some hours.",
        )
    elif facts.zmq is Zmq.ANSWERS:
        yield ok("node", "zmq", f"payments are seen the moment the node sees them (ZMQ at {facts.zmq_address})")
    elif facts.zmq is Zmq.SILENT:
        yield warning(
            "node",
            "zmq_silent",
            f"nobody publishes at {facts.zmq_address} (ZMQ): payments are seen within ten seconds instead of one",
            "Make chain.zmq_rawtx and the node's -zmqpubrawtx the same address, or leave chain.zmq_rawtx unset.",
        )
    elif facts.zmq is Zmq.NONE:
        yield note(
            "node",
            "no_zmq",
            "the node publishes no transactions (ZMQ): payments are seen within ten seconds instead of one",
            "Start it with -zmqpubrawtx=tcp://127.0.0.1:28332.",
        )
    if facts.pruned_below is not None:
        yield note(
            "node",
            "pruning",
            f"the node deletes old blocks (it has those from {facts.pruned_below} on)",
            "A gateway that is stopped longer than the node keeps blocks cannot go on: leave some weeks of room.",
        )
    if facts.peers == 0 and facts.status.network != "regtest":
        yield warning("node", "no_peers", "the node is connected to nobody", "Check its network connection.")


def _clock(facts: NodeFacts) -> Iterator[Finding]:
    """Yield a finding when the clock is wrong.

    The median time of eleven blocks lies an hour or so back, never ahead.
    """
    if facts.median_time is None or facts.status.network == "regtest":
        return
    ahead = facts.median_time - facts.looked_at
    newest_ahead = (facts.tip_time or 0) - facts.looked_at
    if ahead > 0 or newest_ahead > 2 * 3600:
        minutes = max(ahead, newest_ahead) // 60
        text = f"this machine's clock is behind the network's by {minutes} minutes or more"
        yield problem("node", "clock", text, "Set it (NTP): invoices expire by it.")


def light(settings: Settings, issued: Sequence[int]) -> Iterator[Finding]:
    """Yield what a gateway without a node of its own cannot do, and when it should get one.

    ``issued``: addresses given out, by account.
    """
    chain = settings.chain
    yield note(
        "node",
        "light_client",
        "the light client sees a payment only in its block, and believes work and the agreement of "
        f"{chain.light_connections} peers where a node checks every rule; it sells up to {chain.light_max_sat} sat",
        'With a node of your own: chain.source = "bitcoind" (docs/light-client.md).',
    )
    if settings.bitcoin.network == "main" and chain.light_connections < 2:
        yield warning(
            "node",
            "one_peer",
            "one peer alone could hide payments from you",
            "Let chain.light_connections be 2 or more, and name as many chain.light_peers, or none.",
        )
    if settings.expiry_seconds < LIGHT_EXPIRY_SECONDS:
        yield warning(
            "node",
            "short_expiry",
            f"invoices expire after {settings.expiry_seconds // 60} minutes, often before a block holds a payment",
            "Leave invoices.expiry_seconds unset (a day), or set it to some hours.",
        )
    if sum(issued) > LIGHT_ADDRESSES:
        yield warning(
            "node",
            "move_to_a_node",
            f"{sum(issued)} addresses: each block costs the light client more and more work",
            'Run Bitcoin Core and set chain.source = "bitcoind": the gateway goes on where it stands.',
        )


def business(facts: Business, settings: Settings) -> Iterator[Finding]:
    """Yield findings about sellers and what they are paid to."""
    if not facts.sellers:
        yield problem("sellers", "no_seller", "nobody can sell here", "Run: bitcache init")
    else:
        yield ok("sellers", "sellers", f"sellers: {facts.sellers}, files on sale: {facts.listings}")
    if facts.without_payout:
        yield warning(
            "sellers",
            "no_payout",
            f"sellers without a payout: {facts.without_payout}; they sell nothing",
            "Each sets one on the seller's page, or at: bitcache init --descriptor …",
        )
    for payout in facts.payouts:
        if payout.paused:
            yield problem(
                "sellers",
                "payout_paused",
                f"payout {payout.id} is paused: {payout.paused}",
                "The seller gives the descriptor again; the log of the last start says more.",
            )
        yield from _unpaid_addresses(payout, settings.invoices)
    for left_out in facts.skipped:
        yield warning(
            "sellers",
            "addresses_skipped",
            f"payout {left_out.payout_id}: addresses {left_out.first} to {left_out.end - 1} were left out, because the "
            "database was older than they are (a restored backup, or a crash)",
            "Invoices among them are forgotten. With the gateway stopped, see what was paid: bitcache rescan --from …",
        )


def _unpaid_addresses(payout: Payout, invoices: Invoices) -> Iterator[Finding]:
    """Yield how far the seller's wallet must look, and whether sales are slowed until somebody pays."""
    if payout.gap_hint >= invoices.wallet_gap_limit:
        yield warning(
            "sellers",
            "gap",
            f"payout {payout.id} has {payout.gap_hint} unpaid addresses in a row",
            f"A wallet that looks {invoices.wallet_gap_limit} ahead misses payments: raise its gap limit to "
            f"{payout.gap_hint + invoices.wallet_gap_limit} or more, and set invoices.wallet_gap_limit to the same.",
        )
    if payout.unpaid_run >= RUN_IS_LONG * invoices.longest_unpaid_run:
        slowed = payout.unpaid_run >= invoices.longest_unpaid_run
        what = "its sales are slowed to one every five minutes" if slowed else "its sales are soon slowed"
        yield (problem if slowed else warning)(
            "sellers",
            "sales_slowed" if slowed else "sales_soon_slowed",
            f"payout {payout.id}: the last {payout.unpaid_run} invoices were not paid, so {what}",
            "The next payment ends it, also a small one of the seller's own to the newest address. If the wallet looks "
            "further ahead, raise invoices.longest_unpaid_run.",
        )


def wallets(facts: Sequence[WalletFacts], others: int) -> Iterator[Finding]:
    """Yield how the sellers' Lightning wallets answered; ``others`` were not asked."""
    answering = sum(wallet.error is None for wallet in facts)
    if answering:
        yield ok("lightning", "wallets", f"Lightning wallets that answer: {answering} of {len(facts)} asked")
    for wallet in facts:
        if wallet.error is not None:
            yield warning(
                "lightning",
                wallet.error.code,
                f"connection {wallet.connection.id} ({wallet.connection.label}): {wallet.error}",
                f"Its seller alone sells nothing by Lightning meanwhile. {wallet.error.advice}".strip(),
            )
    if others:
        yield note("lightning", "more_wallets", f"{others} more wallets were not asked: see /metrics for all of them")


def unlisted_proxy(address: str | None, settings: Settings) -> Iterator[Finding]:
    """Yield a finding when requests were forwarded by a machine of ours that is not among the trusted ones."""
    trusted = settings.server.trusted_proxies
    if address is None or any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in trusted):
        return
    yield warning(
        "web",
        "unlisted_proxy",
        f"requests come through a proxy at {address} that is not listed: all buyers look like one, and share one quota",
        f'If it is yours, set server.trusted_proxies = ["{address}"].',
    )


def ledger(facts: Ledger, settings: Settings) -> Iterator[Finding]:
    """Yield findings about payments and what became of them."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(facts.invoices.items())) or "none"
    yield ok("ledger", "invoices", f"invoices: {counts}")
    if facts.open_reports:
        yield warning(
            "sellers",
            "open_reports",
            f"reports that wait for you: {facts.open_reports}",
            "Read them: bitcache reports. Then bitcache dismiss, or bitcache take-down.",
        )
    if facts.losses:
        yield warning(
            "ledger",
            "losses",
            f"{facts.losses} released purchases lost their payment afterwards ({facts.lost_sat} sat)",
            "Ask for more confirmations (invoices.confirmations), or release nothing unconfirmed.",
        )
    budget = settings.invoices.zero_conf_budget_sat
    if settings.invoices.zero_conf_below_sat and not budget:
        yield warning(
            "ledger",
            "no_loss_budget",
            "invoices.zero_conf_below_sat is set, and no budget: nothing is released unconfirmed",
            "Set invoices.zero_conf_budget_sat to what you are ready to lose.",
        )
    elif budget and facts.exposure_sat >= budget:
        yield warning(
            "ledger",
            "loss_budget_used_up",
            f"{facts.exposure_sat} sat are released and not paid for in a block; the loss budget is {budget} sat",
            "Until blocks pay for them every invoice waits. Losses stay: raise invoices.zero_conf_budget_sat to go on.",
        )
    if facts.unread_events > MANY_UNREAD:
        yield warning(
            "ledger", "events", f"{facts.unread_events} events wait to be delivered", "Is the gateway running?"
        )


def web(settings: Settings) -> Iterator[Finding]:
    """Yield findings about how buyers reach the gateway."""
    server, url = settings.server, urlsplit(settings.public_url)
    local = is_loopback(url.hostname or "")
    if not server.public_url and not is_loopback(server.host):
        yield warning(
            "web",
            "no_public_url",
            "server.public_url is not set, and the gateway listens beyond this machine",
            "Set it to the address that buyers see, for example https://gateway.example.",
        )
    if local:
        yield note("web", "local", f"only this machine can buy: links begin with {settings.public_url}")
    elif url.scheme == "http":
        yield problem(
            "web",
            "no_tls",
            f"{settings.public_url} is not encrypted: claims and shares can be read on the way, and browsers refuse to "
            "open files there",
            "Put Caddy or nginx with a certificate before it, and set server.public_url to https://…",
        )
    else:
        yield ok("web", "public_url", f"buyers come to {settings.public_url}")
        if not server.trusted_proxies:
            yield warning(
                "web",
                "no_trusted_proxies",
                "TLS ends at a proxy that is not listed: all buyers look like one, and share one cap",
                'Set server.trusted_proxies = ["127.0.0.1", "::1"] if the proxy runs on this machine.',
            )
