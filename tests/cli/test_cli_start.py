"""A command loads what it needs and no more, so that it begins at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.cli.main import app

#: Libraries that take long to load, and what only a gateway or a Bitcoin wallet needs.
HEAVY = {"aiohttp", "alembic", "bdkpython", "bitcoinlib", "cryptography", "jinja2", "prometheus_client", "pydantic"}
HEAVY |= {"qrcode", "rich", "sqlalchemy", "structlog", "wallet", "zmq"}
COMMANDS = [str(command.name) for command in app.registered_commands]

REPORT = """
import sys
from gateway.cli.main import app
try:
    app(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(*arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command and the packages that were loaded when it ended."""
    done = subprocess.run([sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_only_prints_loads_nothing_heavy(option: str) -> None:
    code, packages = loaded(option)
    assert code == 0
    assert packages & HEAVY == set()
    assert "typer" in packages


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_nothing_that_the_command_would_use(command: str) -> None:
    """Typer reads the options of a command with pydantic: that one is not ours to leave out."""
    code, packages = loaded(command, "--help")
    assert code == 0
    assert packages & HEAVY == {"pydantic"}


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (("buy", "nonsense"), HEAVY - {"aiohttp", "cryptography", "pydantic", "rich"}),
        (("sell", __file__, "--price", "nonsense"), HEAVY - {"aiohttp", "cryptography", "pydantic", "rich"}),
        (("serve", "--config", "nowhere.toml"), HEAVY - {"pydantic", "rich"}),
        (("rescan", "--from", "1", "--config", "nowhere.toml"), HEAVY - {"pydantic", "rich"}),
        (("init", "--network", "nonsense"), HEAVY - {"pydantic", "rich"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_bad_input_is_refused_before_libraries_for_good_input_load(
    arguments: tuple[str, ...], needless: set[str]
) -> None:
    code, packages = loaded(*arguments)
    assert code == 3
    assert packages & needless == set()
