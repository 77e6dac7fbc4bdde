"""``bitcache reports``, ``dismiss``, ``take-down`` and ``put-back``, beside a running gateway."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from bitcache.errors import BadInput
from bitcache.identifiers import FileId, b64u, parse_file_id
from bitcache.reports import Report
from gateway.cli.command_runner import run
from gateway.cli.console import plain, stamp
from gateway.cli.serve import settings_in
from gateway.compose import operator_tools


def show(config: Path, closed: bool, as_json: bool) -> None:
    """Run ``bitcache reports``."""
    run(_show(config, closed, as_json), as_json)


def dismiss(config: Path, number: int, reason: str, as_json: bool) -> None:
    """Run ``bitcache dismiss``."""
    run(_dismiss(config, number, reason), as_json)


def take_down(config: Path, file: str, reason: str, as_json: bool) -> None:
    """Run ``bitcache take-down``."""
    run(_take_down(config, file, reason), as_json)


def put_back(config: Path, file: str, reason: str, as_json: bool) -> None:
    """Run ``bitcache put-back``."""
    run(_put_back(config, file, reason), as_json)


async def _show(config: Path, closed: bool, as_json: bool) -> dict[str, Any]:
    settings = settings_in(config)
    queue = await operator_tools.reports_of(settings, closed=closed)
    actions = await operator_tools.actions(settings) if closed else []
    told = [_told(report, settings.public_url) for report in queue]
    if not as_json:
        screen = Console(soft_wrap=True)
        for entry in told:
            screen.print(plain(_lines(entry)))
        for action in actions:
            screen.print(plain(f"{_moment(action['at'])}  {action['action']}  {action['file_id']}: {action['reason']}"))
        if not told and not actions:
            stamp("No report waits")
    return {"reports": told, "actions": actions}


async def _dismiss(config: Path, number: int, reason: str) -> dict[str, Any]:
    await operator_tools.dismiss(settings_in(config), number, _reason(reason))
    stamp(f"Report {number} is closed")
    return {"report": number}


async def _take_down(config: Path, file: str, reason: str) -> dict[str, Any]:
    file_id = _file_id(file)
    await operator_tools.take_down(settings_in(config), file_id, _reason(reason))
    stamp(f"{file_id} is taken down", "bold")
    return {"file_id": file_id}


async def _put_back(config: Path, file: str, reason: str) -> dict[str, Any]:
    file_id = _file_id(file)
    await operator_tools.put_back(settings_in(config), file_id, _reason(reason))
    stamp(f"{file_id} can be sold again")
    return {"file_id": file_id}


def _file_id(text: str) -> FileId:
    """Return the id in a link, or the id itself; raise InvalidIdentifier."""
    found = re.search(r"/f/([A-Za-z0-9_-]{22})", text)
    return parse_file_id(found[1] if found else text)


def _reason(text: str) -> str:
    if not 1 <= len(text.strip()) <= operator_tools.LONGEST_REASON:
        raise BadInput(f"a reason has 1 to {operator_tools.LONGEST_REASON} characters")
    return text.strip()


def _told(report: Report, public_url: str) -> dict[str, Any]:
    share = "" if report.link_share is None else f"#{b64u(report.link_share)}"
    return {
        "id": report.id,
        "file_id": report.file_id,
        "kind": report.kind.value,
        "text": report.text,
        "contact": report.contact,
        "link": f"{public_url}/f/{report.file_id}{share}",
        "disclosed": report.link_share is not None,
        "times": report.times,
        "created_at": report.created_at,
        "last_at": report.last_at,
        "closed_at": report.closed_at,
    }


def _lines(entry: dict[str, Any]) -> str:
    link = entry["link"] if entry["disclosed"] else f"{entry['link']} (the link's key was not disclosed)"
    contact = f"\n    contact: {entry['contact']}" if entry["contact"] else ""
    head = f"{entry['id']}  {entry['kind']}, {entry['times']}×, last {_moment(entry['last_at'])}"
    return f"{head}\n    {link}\n    {entry['text']}{contact}\n"


def _moment(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
