"""Check everything a gateway needs; change nothing; report findings.  It works beside a running gateway."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, select
from sqlalchemy.exc import DBAPIError

from bitcache import wallet_connections
from bitcache.blob_store import BlobStore
from bitcache.errors import BitcacheError, InvalidSettings, StorageError
from bitcache.identifiers import FileId
from bitcache.master_key import MasterKey
from bitcache.storage import address_journal_file
from bitcache.storage.blob_directory import BlobDirectory
from bitcache.storage.database import translate
from bitcache.storage.migrate import newest_version, schema_version
from bitcache.storage.sqlite_only_sql import read_only
from bitcache.storage.tables import listing
from bitcache.wallet_connections import WalletConnection
from gateway.compose import node_facts, wallet_facts
from gateway.config.data_folder import DataFolder
from gateway.config.load_settings import load, unknown_names
from gateway.config.restored_backup import RestoreCheck, copy_in_memory, doubt
from gateway.config.settings import Settings
from gateway.diagnostics import doctor_rules as rules
from gateway.diagnostics.doctor_health import health_of_running
from gateway.diagnostics.facts import Business, Ledger, business_facts, ledger_facts
from gateway.diagnostics.findings import Finding, failed, ok, problem, warning
from gateway.live.unlisted_proxy import noticed

RESUME = (
    "With the gateway stopped, say which it is: bitcache resume-sales --newest (it was moved, or the machine was off "
    "for long), or --restored (a backup was put back)."
)

#: So many Lightning wallets are asked; with more, /metrics has them all.
MOST_WALLETS = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database says."""

    ledger: Ledger
    business: Business
    files: list[tuple[str, int]]
    share: tuple[str, bytes] | None
    connections: list[WalletConnection]


async def examine(config: Path | None) -> list[Finding]:
    """Return every finding, in the order in which things are needed."""
    try:
        settings = load(config)
    except InvalidSettings as error:
        others = [failed("settings", error) for error in (unknown_names(config) if config else [])]
        return others or [failed("settings", error)]
    findings = [ok("settings", "settings", f"{config or 'defaults and environment'}: every name is known")]
    if config is not None and settings.chain.rpc_password.get_secret_value() and _open_to_others(config):
        hint = "Run chmod 600 on it, or use the node's cookie file."
        findings.append(warning("settings", "password_readable", f"{config} holds a password others can read", hint))
    findings += rules.web(settings)
    folder = DataFolder(settings.storage.directory)
    if not folder.database.exists():
        hint = "Run: bitcache init"
        return [*findings, problem("data", "not_set_up", f"{folder.root} is not set up", hint)]
    findings += rules.unlisted_proxy(noticed(folder.unlisted_proxy), settings)
    findings += _folder(folder, settings)
    database = await asyncio.to_thread(_database, folder)
    if isinstance(database, Finding):
        findings.append(database)
    else:
        findings += _database_rules(folder, database, settings)
        findings += await _wallets(folder, database.connections, settings)
    cursor, deep = (None, None) if isinstance(database, Finding) else (database.ledger.cursor, database.ledger.deep)
    running = folder.is_locked()
    try:
        facts = await node_facts(settings, cursor, deep=deep)
        findings += rules.node(facts, cursor, running=running, rpc_user=settings.chain.rpc_user)
    except BitcacheError as error:
        findings.append(failed("node", error))
    if running:
        findings += rules.running(await health_of_running(settings), {finding.code for finding in findings})
    if settings.chain.source == "light":
        findings += rules.light(settings, [] if isinstance(database, Finding) else database.business.issued)
    return findings


def _folder(folder: DataFolder, settings: Settings) -> Iterator[Finding]:
    """Yield findings about rights, keys and room."""
    open_ones = [path.name for path in (folder.root, folder.master_key, folder.buyer_secret) if _open_to_others(path)]
    if open_ones:
        text = f"open to other users of this machine: {', '.join(open_ones)}"
        yield problem("data", "rights", text, "chmod 700 the data folder and chmod 600 the keys in it.")
    else:
        yield ok("data", "rights", f"only you can read {folder.root}")
    free, wanted = shutil.disk_usage(folder.root).free, settings.storage.min_free_bytes
    if free < wanted:
        hint = "Free some space: uploads are refused, and soon payments cannot be written down."
        yield problem("data", "disk_full", f"{free} bytes are free, storage.min_free_bytes wants {wanted}", hint)
    else:
        yield ok("data", "disk", f"{free / 2**30:.1f} GiB free")
    yield from _file_system(folder)
    yield from _addresses(folder)


def _file_system(folder: DataFolder) -> Iterator[Finding]:
    """Yield findings about what the file system does not offer, and disks that fail."""
    try:
        if not folder.has_locks():
            hint = "See to it yourself that one gateway alone runs on it, or choose a folder on a local disk."
            yield warning("data", "no_locks", f"the file system of {folder.root} has no locks", hint)
        if not folder.syncs_folders():
            text = f"the file system of {folder.root} does not promise to keep new names through a power cut"
            yield warning("data", "no_folder_sync", text, "A local disk does; else use a power supply that lasts.")
    except StorageError as error:
        yield failed("data", error)


def _addresses(folder: DataFolder) -> Iterator[Finding]:
    try:
        address_journal_file.read_marks(folder.addresses)
    except StorageError as error:
        yield failed("data", error)


def _is_newest(folder: DataFolder, ledger: Ledger, business: Business) -> Iterator[Finding]:
    """Yield a finding when something could be given out twice: database or journal are older than what was shown."""
    if not business.listings and not business.issued:
        return
    if not folder.addresses.exists():
        text = "addresses.journal is not there: addresses could be given out twice, so the gateway does not start"
        hint = "Put its newest copy there. Is there none: bitcache resume-sales --restored"
        yield problem("data", "no_journal", text, hint)
        return
    copy = copy_in_memory(folder.master_key)
    in_memory = copy is not None and copy.exists()
    why = doubt(RestoreCheck.read(folder.last_run), ledger.known_until, int(time.time()), in_memory=in_memory)
    if why is not None:
        yield problem("data", "restored", f"this data folder may be a restored backup ({why}): nothing is sold", RESUME)


def _database(folder: DataFolder) -> Reading | Finding:
    """Return what the database says, or why it says nothing.  Never migrates."""
    try:
        version, newest = schema_version(folder.database), newest_version()
    except Exception as error:  # not a database, cut short, of another program …
        text = f"the database cannot be read ({type(error).__name__})"
        return problem("database", "database_unusable", text, "Restore it from a backup.")
    if version != newest:
        text = f"the database has schema {version}, this program {newest}"
        return warning("database", "schema", text, "The next start migrates it; back it up first.")
    engine = create_engine(f"sqlite:///file:{folder.database}?mode=rw&uri=true")
    event.listen(engine, "connect", lambda connection, _: read_only(connection))
    try:
        with engine.connect() as conn:
            return _read(conn)
    except DBAPIError as error:
        return failed("database", translate(error))
    finally:
        engine.dispose()


def _read(conn: Connection) -> Reading:
    files = conn.execute(select(listing.c.file_id, listing.c.sealed_size).where(listing.c.removed_at.is_(None))).all()
    share = conn.execute(select(listing.c.file_id, listing.c.wrapped_share).limit(1)).first()
    return Reading(
        ledger_facts(conn),
        business_facts(conn),
        [(row.file_id, row.sealed_size) for row in files],
        (share.file_id, share.wrapped_share) if share else None,
        wallet_connections.asked_now(conn),
    )


def _database_rules(folder: DataFolder, reading: Reading, settings: Settings) -> Iterator[Finding]:
    yield ok("database", "database", "the database opens, and its schema is current")
    yield from _key(folder, reading.share)
    yield from _is_newest(folder, reading.ledger, reading.business)
    yield from _files(folder, reading.files)
    yield from rules.business(reading.business, settings)
    yield from rules.ledger(reading.ledger, settings)


async def _wallets(folder: DataFolder, connections: list[WalletConnection], settings: Settings) -> list[Finding]:
    """Return how the sellers' Lightning wallets answer."""
    try:
        facts = await wallet_facts(settings, MasterKey.load(folder.master_key), connections[:MOST_WALLETS])
    except BitcacheError:  # of the key, which has a finding of its own
        return []
    return list(rules.wallets(facts, len(connections[MOST_WALLETS:])))


def _key(folder: DataFolder, share: tuple[str, bytes] | None) -> Iterator[Finding]:
    try:
        key = MasterKey.load(folder.master_key)
        if share is not None:
            key.unwrap(share[1], FileId(share[0]))
    except BitcacheError as error:
        yield failed("data", error)


def _files(folder: DataFolder, files: list[tuple[str, int]]) -> Iterator[Finding]:
    """Yield a finding for every file on sale that is not there, or not whole."""
    blobs = BlobDirectory(folder.blobs)
    missing = [name for name, size in files if _size(blobs, FileId(name)) != size]
    if missing:
        shown = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        text = f"{len(missing)} of {len(files)} files on sale are missing or cut short: {shown}"
        yield problem("data", "files_missing", text, "Restore the folder files/ from a backup.")


def _size(blobs: BlobStore, file_id: FileId) -> int | None:
    try:
        return blobs.size(file_id)
    except BitcacheError:
        return None


def _open_to_others(path: Path) -> bool:
    try:
        return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
