"""``bitcache doctor``: what is well, what is not, and what to do about it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from gateway.cli.command_runner import BAD_INPUT, STORAGE, UNREACHABLE, guarded
from gateway.cli.console import console, plain

if TYPE_CHECKING:
    from gateway.diagnostics.findings import Finding

_SIGNS = {"ok": ("✓", "green"), "note": ("·", "cyan"), "warning": ("!", "yellow"), "problem": ("✗", "bold red")}
#: The exit code, by the area of the first problem (docs/protocol.md §9).
_CODES = {"node": UNREACHABLE, "data": STORAGE, "database": STORAGE}


def start(config: Path | None, as_json: bool) -> None:
    """Run the command; its exit code says in which area the first problem lies."""
    report = guarded(_doctor(config), as_json)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
    problems = [finding["area"] for finding in report["findings"] if finding["level"] == "problem"]
    if problems:
        raise typer.Exit(_CODES.get(problems[0], BAD_INPUT))


async def _doctor(config: Path | None) -> dict[str, Any]:
    from gateway.diagnostics.doctor import examine  # Bitcoin's libraries load only where they are needed

    findings = await examine(config)
    for finding in findings:
        tell(finding)
    worst = [finding for finding in findings if finding.level in ("warning", "problem")]
    console.print("  All is well." if not worst else f"  {len(worst)} things to look at.", style="bold")
    well = all(finding.level != "problem" for finding in findings)
    return {"ok": well, "findings": [dataclasses.asdict(finding) for finding in findings]}


def tell(finding: Finding) -> None:
    """Print one line, and the hint below it."""
    sign, style = _SIGNS[finding.level]
    console.print(
        Text.assemble((f"  {sign} ", style), (f"{finding.area:<9}", "dim"), plain(finding.text)), soft_wrap=True
    )
    if finding.hint:
        console.print(Text.assemble(" " * 13, plain(finding.hint)), style="dim", soft_wrap=True)
