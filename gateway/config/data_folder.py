"""The data folder: what lies where, made readable by its owner alone, and used by one gateway at a time."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from bitcache.errors import DatabaseBusy, InvalidSettings, StorageError
from bitcache.storage.durable_files import lock, sync_folder

BUYER_SECRET_BYTES = 32

log = structlog.get_logger("gateway.config.data_folder")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """``storage.directory`` and what is in it."""

    root: Path

    @property
    def database(self) -> Path:
        """SQLite."""
        return self.root / "bitcache.sqlite3"

    @property
    def master_key(self) -> Path:
        """Wraps every gateway share; worth a backup of its own."""
        return self.root / "master.key"

    @property
    def addresses(self) -> Path:
        """How far addresses were given out; never to be replaced by an older copy."""
        return self.root / "addresses.journal"

    @property
    def last_run(self) -> Path:
        """When the last run was, and on which machine: see gateway/config/restored_backup.py."""
        return self.root / "last-run.json"

    @property
    def buyer_secret(self) -> Path:
        """Makes buyers' addresses countable and unreadable; may be lost."""
        return self.root / "buyer.key"

    @property
    def unlisted_proxy(self) -> Path:
        """The address of a proxy that is not among the trusted ones, if one was noticed; for bitcache doctor."""
        return self.root / "unlisted-proxy"

    @property
    def blobs(self) -> Path:
        """Sealed files."""
        return self.root / "files"

    @property
    def simulated_chain(self) -> Path:
        """The pretend chain, when there is one."""
        return self.root / "simulated-chain.json"

    @property
    def light(self) -> Path:
        """Block headers of the light client, when there is one: a cache."""
        return self.root / "light"

    def create(self) -> None:
        """Make the folder, for its owner alone; raise InvalidSettings when it cannot be."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            self.blobs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise InvalidSettings(
                f"storage.directory cannot be used: {error.strerror}", hint="Choose a folder that you may write to."
            ) from None

    def tighten(self) -> None:
        """Close to other users what is open to them: copied, restored, or made by an older version.

        The master key is not among it: once others could read it, closing it silently would be wrong.
        """
        database = [self.database.with_name(self.database.name + end) for end in ("", "-wal", "-shm")]
        for path in (
            self.root,
            self.blobs,
            *database,
            self.buyer_secret,
            self.addresses,
            self.last_run,
            self.root / "lock",
        ):
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
                if mode & 0o077:
                    path.chmod(mode & 0o700)
                    log.warning("was_open_to_others", name=path.name, mode=f"{mode:04o}")
            except FileNotFoundError:
                continue
            except OSError as error:
                hint = "Run chmod go= on it as its owner."
                log.warning("open_to_others", name=path.name, reason=error.strerror, hint=hint)

    def load_buyer_secret(self) -> bytes:
        """Return the key under which buyers' addresses are hashed; made when missing."""
        try:
            return self._read_buyer_secret()
        except FileNotFoundError:
            with os.fdopen(os.open(self.buyer_secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(BUYER_SECRET_BYTES))
            return self._read_buyer_secret()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; raise DatabaseBusy while another gateway does, StorageError when the disk fails.

        What the file system does not offer is said in the log, once per start.
        """
        with self._held() as held:
            if not held:
                log.warning("no_locks", hint="The file system has none: run one gateway on this data folder, no more.")
            if not self.syncs_folders():
                log.warning("no_folder_sync", hint="After a power cut a file or mark that was just made may be gone.")
            yield

    def is_locked(self) -> bool:
        """Return whether a gateway runs here now."""
        try:
            with self._held():
                return False
        except DatabaseBusy:
            return True

    def has_locks(self) -> bool:
        """Return whether the file system keeps two gateways from this folder."""
        try:
            with self._held() as held:
                return held
        except DatabaseBusy:
            return True

    def syncs_folders(self) -> bool:
        """Return whether a new name outlives a power cut on this file system.

        Raise StorageError when the disk fails.
        """
        try:
            return sync_folder(self.root)
        except OSError as error:
            raise StorageError(f"the data folder cannot be written to the disk: {error.strerror}") from None

    @contextmanager
    def _held(self) -> Iterator[bool]:
        """Lock the folder; False where the file system has no locks."""
        with os.fdopen(os.open(self.root / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            try:
                held = lock(file.fileno())
            except BlockingIOError:
                raise DatabaseBusy(
                    "another gateway runs on this data folder",
                    hint="Stop it first, or choose another storage.directory.",
                ) from None
            except OSError as error:
                raise StorageError(f"the data folder cannot be locked: {error.strerror}") from None
            yield held

    def _read_buyer_secret(self) -> bytes:
        key = self.buyer_secret.read_bytes()
        if len(key) != BUYER_SECRET_BYTES:
            raise InvalidSettings("buyer.key is damaged", hint="Delete it: a new one is made at the next start.")
        return key
