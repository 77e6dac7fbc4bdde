"""Every deliberate error has an exit code, and none of them is that of a bug."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from bitcache import errors
from bitcache.chain_errors import NodeUnreachable
from gateway.cli import command_runner as running
from gateway.client.errors import (
    DishonestGateway,
    GatewayConfused,
    GatewayUnreachable,
    OverBudget,
    PaymentUnknown,
    TargetExists,
)


def kinds(root: type[errors.BitcacheError]) -> Iterator[type[errors.BitcacheError]]:
    """The tree, flat."""
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(kinds(errors.BitcacheError)), key=lambda kind: kind.__name__))
def test_every_error_has_its_code(kind: type[errors.BitcacheError]) -> None:
    assert running.exit_code(kind()) in range(3, 9)


def test_the_table_of_the_protocol() -> None:
    expected = {
        errors.InvalidLink: 3,
        errors.InvalidSettings: 3,
        errors.NotFound: 4,
        errors.Unauthenticated: 4,
        errors.WrongKey: 6,
        errors.Truncated: 6,
        OverBudget: 5,
        PaymentUnknown: 5,
        DishonestGateway: 6,
        NodeUnreachable: 7,
        GatewayUnreachable: 7,
        GatewayConfused: 7,
        errors.DiskFull: 8,
        TargetExists: 8,
    }
    assert {kind: running.exit_code(kind()) for kind in expected} == expected


def test_a_bug_says_so_and_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken() -> dict[str, object]:
        raise ZeroDivisionError

    with pytest.raises(typer.Exit) as ended:
        running.run(broken(), as_json=False)
    assert ended.value.exit_code == 1
    assert "report" in capsys.readouterr().err


def test_a_full_disk_is_storage(capsys: pytest.CaptureFixture[str]) -> None:
    async def full() -> dict[str, object]:
        raise OSError(28, "No space left on device")

    with pytest.raises(typer.Exit) as ended:
        running.run(full(), as_json=True)
    assert ended.value.exit_code == 8
    assert '"disk_full"' in capsys.readouterr().out


def test_nothing_of_the_server_loads_for_buying() -> None:
    """``buy`` starts quickly, and on machines without Bitcoin libraries' habits."""
    code = "import sys, gateway.cli.main; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"wallet", "bdkpython", "bitcoinlib", "sqlalchemy"} & set(loaded)
