"""``bitcache doctor`` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, config_in, open_harness
from sales import file_for_sale
from support.eventually import eventually
from typer.testing import CliRunner

from bitcache.address_journal import Skipped
from bitcache.block_processing import DEEPEST
from bitcache.chain_errors import NodeAuthFailed, NodeCallForbidden, NodeUnreachable, NodeWrongNetwork
from bitcache.chain_types import BlockRef
from bitcache.sellers import Payout
from gateway.cli.main import app
from gateway.compose import CursorAt, NodeFacts, Zmq, node_facts, running
from gateway.config.data_folder import DataFolder
from gateway.config.load_settings import check, load
from gateway.context import GatewayContext
from gateway.diagnostics import doctor_rules as rules
from gateway.diagnostics.doctor import examine
from gateway.diagnostics.doctor_health import health_of_running
from gateway.diagnostics.facts import Business, Ledger
from gateway.diagnostics.findings import Finding
from wallet.chain.chain_source import ChainStatus
from wallet.chain.regtest_node import RegtestNode

NOW = 1_800_000_000
WELL = NodeFacts(
    "bitcoind 29.4.2",
    ChainStatus(True, "main", 900, 900, synced=True),
    cursor=CursorAt.ON_CHAIN,
    catching_up=False,
    zmq=Zmq.ANSWERS,
    relays_transactions=True,
    median_time=NOW - 3600,
    tip_time=NOW - 300,
    peers=8,
    looked_at=NOW,
)
CURSOR = BlockRef(900, "ab" * 32)
PAYOUT = Payout(1, "onchain", "wpkh(…)", "wpkh", 294, 5, None, 3)
QUIET = Ledger(CURSOR, {"settled": 3}, 0, 0, 0, 0)


def worse(findings: list[Finding]) -> list[str]:
    """The codes of what is not well; each comes with a hint."""
    warnings = [finding for finding in findings if finding.level in ("warning", "problem")]
    assert all(finding.hint for finding in warnings), warnings
    return [finding.code for finding in warnings]


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """The data of a gateway that sold something."""
    async with open_harness(tmp_path) as harness:
        sold = await harness.sell(file_for_sale())
        _, order = await harness.begin(sold.file_id)
        await harness.pay(order)
    return tmp_path


async def test_all_is_well(closed: Path) -> None:
    assert [code for code in worse(await examine(config_in(closed))) if code != "cursor_behind"] == []


async def test_it_works_beside_a_running_gateway_and_changes_nothing(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        await harness.sell(file_for_sale())
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.suffix == ".journal"}
        assert worse(await examine(config_in(tmp_path))) == []
        assert before == {path: path.stat().st_mtime_ns for path in before}
        await harness.sell(file_for_sale())


def spoil_rights(data: DataFolder) -> None:
    data.root.chmod(0o755)


def lose_the_key(data: DataFolder) -> None:
    data.master_key.write_bytes(bytes(32))


def lose_a_file(data: DataFolder) -> None:
    for path in data.blobs.rglob("*"):
        if path.is_file():
            path.unlink()


def lose_the_journal(data: DataFolder) -> None:
    data.addresses.unlink()


def spoil_the_journal(data: DataFolder) -> None:
    data.addresses.write_text("nonsense\n")


def spoil_the_database(data: DataFolder) -> None:
    data.database.write_bytes(b"SQLite format 3\0" + bytes(5000))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (spoil_rights, "rights"),
        (lose_the_key, "wrong_key"),
        (lose_a_file, "files_missing"),
        (lose_the_journal, "no_journal"),
        (spoil_the_journal, "database_unusable"),
        (spoil_the_database, "database_unusable"),
    ],
)
async def test_what_is_spoilt_is_found(closed: Path, spoil: Callable[[DataFolder], None], code: str) -> None:
    spoil(DataFolder(closed / "data"))
    assert code in worse(await examine(config_in(closed)))


async def test_a_full_disk_is_found(closed: Path) -> None:
    path = config_in(closed, storage={"directory": str(closed / "data"), "min_free_bytes": 2**60})
    assert "disk_full" in worse(await examine(path))


async def test_every_unknown_setting_is_named(tmp_path: Path) -> None:
    path = config_in(tmp_path, server={"prot": 1, "hots": "x"})
    findings = await examine(path)
    assert worse(findings) == ["invalid_settings"] * 2
    assert "server.port" in findings[0].hint


async def test_before_init(tmp_path: Path) -> None:
    assert worse(await examine(config_in(tmp_path))) == ["not_set_up"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": ChainStatus(False, "main", error=NodeUnreachable("no answer"))}, "node_unreachable"),
        ({"status": ChainStatus(False, "main", error=NodeAuthFailed("no"))}, "node_auth_failed"),
        ({"status": ChainStatus(True, "main", 900, 950), "catching_up": True}, "node_behind"),
        ({"cursor": CursorAt.UNKNOWN}, "another_datadir"),
        ({"cursor": CursorAt.NEXT_PRUNED}, "node_pruned"),
        ({"status": ChainStatus(True, "main", 990, 990, synced=True)}, "cursor_behind"),
        ({"median_time": NOW + 600}, "clock"),
        ({"tip_time": NOW + 10_000}, "clock"),
        ({"peers": 0}, "no_peers"),
        ({"cursor": CursorAt.ANOTHER_CHAIN}, "node_wrong_network"),
        ({"relays_transactions": False}, "node_blocks_only"),
        ({"zmq": Zmq.SILENT}, "zmq_silent"),
        ({"failing": {"getblock": NodeCallForbidden()}}, "node_call_forbidden"),
        ({"failing": {"waitfornewblock": NodeCallForbidden()}}, "node_call_forbidden"),
    ],
)
def test_what_is_wrong_with_a_node(changes: dict[str, Any], code: str) -> None:
    assert worse(list(rules.node(WELL, CURSOR, running=True))) == []
    assert code in worse(list(rules.node(replace(WELL, **changes), CURSOR, running=True)))


def test_zmq_and_pruning_are_worth_a_note() -> None:
    warnings = rules.node(replace(WELL, zmq=Zmq.NONE, pruned_below=800), CURSOR, running=True)
    assert {"no_zmq", "pruning"} <= {finding.code for finding in warnings if finding.level == "note"}


LIGHT = {"chain": {"source": "light"}}


@pytest.mark.parametrize(
    ("tables", "issued", "codes"),
    [
        (LIGHT, [5], []),
        ({"chain": {"source": "light", "light_connections": 1}}, [], ["one_peer"]),
        ({"chain": {"source": "light", "light_connections": 1}, "bitcoin": {"network": "signet"}}, [], []),
        ({**LIGHT, "invoices": {"expiry_seconds": 3600}}, [], ["short_expiry"]),
        (LIGHT, [1_000_001], ["move_to_a_node"]),
        (LIGHT, [500_001] * 2, ["move_to_a_node"]),
    ],
)
def test_without_a_node(tables: dict[str, Any], issued: list[int], codes: list[str]) -> None:
    """What the light client cannot do is always said, and when to move to a node."""
    first, *others = rules.light(check(tables), issued)
    assert (first.code, first.level) == ("light_client", "note")
    assert 'chain.source = "bitcoind"' in first.hint
    assert [finding.code for finding in others] == codes


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (Business(1, 0, 2, [PAYOUT], []), []),
        (Business(0, 0, 0, [], []), ["no_seller"]),
        (Business(2, 1, 2, [PAYOUT], []), ["no_payout"]),
        (Business(1, 0, 2, [replace(PAYOUT, paused="sales_paused")], []), ["payout_paused"]),
        (Business(1, 0, 2, [replace(PAYOUT, gap_hint=20)], []), ["gap"]),
        (Business(1, 0, 2, [replace(PAYOUT, unpaid_run=749)], []), []),
        (Business(1, 0, 2, [replace(PAYOUT, unpaid_run=750)], []), ["sales_soon_slowed"]),
        (Business(1, 0, 2, [replace(PAYOUT, unpaid_run=1000)], []), ["sales_slowed"]),
        (Business(1, 0, 2, [PAYOUT], [Skipped(1, 5, 35)]), ["addresses_skipped"]),
    ],
)
def test_what_is_wrong_with_sellers(facts: Business, codes: list[str]) -> None:
    assert worse(list(rules.business(facts, check({})))) == codes


@pytest.mark.parametrize(
    ("noted", "trusted", "codes"),
    [
        (None, [], []),
        ("172.17.0.1", [], ["unlisted_proxy"]),
        ("172.17.0.1", ["127.0.0.1"], ["unlisted_proxy"]),
        ("172.17.0.1", ["172.16.0.0/12"], []),
        ("127.0.0.1", ["::1", "127.0.0.1"], []),
    ],
)
def test_a_proxy_that_the_gateway_noticed(noted: str | None, trusted: list[str], codes: list[str]) -> None:
    """Until it is listed."""
    warnings = list(rules.unlisted_proxy(noted, check({"server": {"trusted_proxies": trusted}})))
    assert [finding.code for finding in warnings] == codes


@pytest.mark.parametrize(
    ("facts", "invoices", "codes"),
    [
        (QUIET, {}, []),
        (replace(QUIET, losses=1, lost_sat=2_500), {}, ["losses"]),
        (replace(QUIET, unread_events=5_000), {}, ["events"]),
        (QUIET, {"zero_conf_below_sat": 5_000}, ["no_loss_budget"]),
        (
            replace(QUIET, exposure_sat=900),
            {"zero_conf_below_sat": 500, "zero_conf_budget_sat": 900},
            ["loss_budget_used_up"],
        ),
    ],
)
def test_what_is_wrong_with_the_ledger(facts: Ledger, invoices: dict[str, int], codes: list[str]) -> None:
    assert worse(list(rules.ledger(facts, check({"invoices": invoices})))) == codes


@pytest.mark.parametrize(
    ("server", "codes"),
    [
        ({}, []),
        ({"host": "0.0.0.0"}, ["no_public_url", "no_tls"]),
        ({"public_url": "http://gateway.example"}, ["no_tls"]),
        ({"public_url": "https://gateway.example"}, ["no_trusted_proxies"]),
        ({"public_url": "https://gateway.example", "trusted_proxies": ["127.0.0.1"]}, []),
    ],
)
def test_how_buyers_come(server: dict[str, Any], codes: list[str]) -> None:
    assert worse(list(rules.web(check({"server": server})))) == codes


def test_the_command(tmp_path: Path) -> None:
    got = CliRunner().invoke(app, ["doctor", "--config", str(config_in(tmp_path)), "--json"])
    report = json.loads(got.stdout.strip().splitlines()[-1])
    assert got.exit_code == 8
    assert report["ok"] is False
    assert {"area", "level", "code", "text", "hint"} == set(report["findings"][0])
    assert "bitcache init" in got.stderr


@pytest.mark.node
async def test_a_real_node(own_regtest: RegtestNode, tmp_path: Path) -> None:
    chain = {"rpc_url": own_regtest.url, "rpc_cookie": str(own_regtest.cookie)}
    settings = check({"bitcoin": {"network": "regtest"}, "chain": chain, "storage": {"directory": tmp_path}})
    digest = await own_regtest.rpc("getblockhash", 50)
    facts = await node_facts(settings, BlockRef(50, digest))
    assert (facts.cursor, facts.zmq, facts.pruned_below) == (CursorAt.ON_CHAIN, Zmq.ANSWERS, None)
    assert (await node_facts(settings, BlockRef(50, "ab" * 32))).cursor is CursorAt.UNKNOWN
    await own_regtest.restart("-prune=1", "-fastprune", "-nozmqpubrawtx")
    await own_regtest.mine(600)
    await own_regtest.rpc("pruneblockchain", 300)
    facts = await node_facts(settings, BlockRef(50, digest))
    assert facts.cursor is CursorAt.NEXT_PRUNED
    assert facts.zmq is Zmq.NONE
    assert facts.pruned_below
    await own_regtest.stop_process()
    assert isinstance((await node_facts(settings, None)).status.error, NodeUnreachable)


@pytest.mark.node
async def test_payments_stopped_for_another_chain_are_not_well(regtest: RegtestNode, tmp_path: Path) -> None:
    """The gateway followed one chain for long, and is started on another: it stops, and doctor says why."""
    async with open_harness(tmp_path) as harness:
        await eventually(lambda: caught_up(harness))  # begins at the first block
        await harness.chain.mine(DEEPEST + 5)
        await eventually(lambda: caught_up(harness))
    await regtest.mine(max(0, (await harness.chain.tip()).height + 1 - await regtest.rpc("getblockcount")))
    settings = config_in(tmp_path, chain={"rpc_url": regtest.url, "rpc_cookie": str(regtest.cookie)})
    async with running(load(settings)) as context:
        await eventually(lambda: stopped(context))
        assert isinstance(context.watcher.status.error, NodeWrongNetwork)
        assert "node_wrong_network" in worse(await examine(settings))
    assert "node_wrong_network" in worse(await examine(settings))


async def caught_up(harness: GatewayHarness) -> bool:
    return harness.context.watcher.status.cursor == await harness.chain.tip()


async def stopped(context: GatewayContext) -> bool:
    return context.watcher.status.error is not None


async def test_what_a_running_gateway_says_of_itself(tmp_path: Path) -> None:
    """Asked over HTTP, whatever it is that stops it."""
    async with open_harness(tmp_path) as harness:
        port = int(harness.url.rpartition(":")[2])
        settings = check({"server": {"port": port}})
        health = await health_of_running(settings)
        assert health is not None
        assert list(rules.running(health, set())) == []
    assert await health_of_running(settings) is None
    node = health.node.model_copy(update={"error": "node_pruned"})
    [finding] = rules.running(health.model_copy(update={"node": node}), set())
    assert (finding.code, finding.level) == ("node_pruned", "problem")
    assert list(rules.running(health.model_copy(update={"node": node}), {"node_pruned"})) == []
