"""``bitcache export`` and ``bitcache import``: everything that a seller has, taken along and brought back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from bitcache.identifiers import FileId
from bitcache.sealing.file_link import Link, parse_link
from gateway.cli.command_runner import run
from gateway.cli.console import Bars, size, stamp
from gateway.cli.sell_run import read_token
from gateway.client.export_archive import export_all
from gateway.client.gateway_client import connect
from gateway.client.import_archive import import_all
from gateway.client.seller_account import SellerAccount, links_of


def export(
    archive: Path, links: Path | None, gateway: str, token_file: Path | None, insecure_http: bool, as_json: bool
) -> None:
    """Run ``bitcache export``."""
    run(_export(archive, links, gateway, token_file, insecure_http), as_json)


def import_archive(archive: Path, gateway: str, token_file: Path | None, insecure_http: bool, as_json: bool) -> None:
    """Run ``bitcache import``."""
    run(_import(archive, gateway, token_file, insecure_http, as_json), as_json)


async def _export(
    archive: Path, links: Path | None, gateway: str, token_file: Path | None, insecure_http: bool
) -> dict[str, Any]:
    account = SellerAccount.of(read_token(token_file))
    async with connect(gateway, insecure_http=insecure_http) as client:
        known = await links_of(client, account) | _links_in(links)
        with Bars() as bars:
            report = await export_all(
                client, account, known, archive, lambda done, total: bars.update("export", done, total), stamp
            )
    stamp(f"{archive}: {report.files} files, {size(report.sealed_bytes)}, {report.sales} sales", "bold green")
    if report.without_link:
        stamp(f"{report.without_link} of them open only with their link, which is not in it", "bold yellow")
    stamp("Keep it secret: every file in it can be opened", "bold yellow")
    return {"archive": str(archive), **asdict(report)}


def _links_in(path: Path | None) -> dict[FileId, Link]:
    """Return the links in a file, one a line."""
    if path is None:
        return {}
    links = [parse_link(line.strip()) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {link.file_id: link for link in links}


async def _import(
    archive: Path, gateway: str, token_file: Path | None, insecure_http: bool, as_json: bool
) -> dict[str, Any]:
    account = SellerAccount.of(read_token(token_file))
    async with connect(gateway, insecure_http=insecure_http) as client:
        with Bars() as bars:
            imported = await import_all(
                client, account.token, archive, lambda done, total: bars.update("import", done, total), stamp
            )
    stamp(f"{len(imported)} files are here", "bold green")
    files = [
        {"file_id": file.file_id, "title": file.title, "link": file.link.text() if file.link else None}
        for file in imported
    ]
    if not as_json:
        for file in files:
            typer.echo(file["link"] or file["file_id"])
    return {"files": files}
