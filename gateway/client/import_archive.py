"""An archive of export_archive.py brought into another gateway: the same files, ids and links, on sale again.

Nothing is signed or sealed anew: what is uploaded is what was exported, and the manifest's signature still holds.
"""

from __future__ import annotations

import json
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from bitcache.errors import BadInput, NotFound, UploadExists
from bitcache.identifiers import FileId, b64u, parse_file_id, unb64u
from bitcache.listing_limits import MEANINGS, Limits
from bitcache.sealing import key_derivation
from bitcache.sealing.file_link import Link
from gateway.api.models import Listing
from gateway.client.export_archive import FORMAT
from gateway.client.gateway_client import GatewayClient
from gateway.client.upload_file import (
    ListingBody,
    Note,
    Progress,
    announce,
    offset_of,
    publish,
    send_from,
    set_limits,
)

_LOCAL_HEADER = 30  #: bytes before a member's name (APPNOTE.TXT 4.3.7)
_LARGEST_TEXT = 64 * 1024 * 1024
_NOT_OURS = "this is no archive of bitcache export"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that is on sale again; ``link`` None where the archive does not have it."""

    file_id: FileId
    title: str | None
    link: Link | None = field(repr=False)


class StoredMember:
    """A member of the archive that is stored, not compressed, read in place."""

    def __init__(self, file: BinaryIO, info: zipfile.ZipInfo) -> None:
        if info.compress_type != zipfile.ZIP_STORED:
            raise BadInput("the archive was packed again", hint="Use the file as bitcache export wrote it.")
        file.seek(info.header_offset + 26)
        lengths = file.read(4)
        self._file, self.size = file, info.file_size
        extra = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        self._start = info.header_offset + _LOCAL_HEADER + extra

    def read(self, offset: int, length: int) -> memoryview:
        """Return bytes from ``offset``."""
        self._file.seek(self._start + offset)
        return memoryview(self._file.read(min(length, self.size - offset)))


async def import_all(
    gateway: GatewayClient, token: str, archive: Path, progress: Progress, note: Note
) -> list[ImportedFile]:
    """Put every file of an archive on sale here; what is here already stays as it is.

    Raise BadInput for what is no such archive, and what an upload and a listing raise.
    """
    with archive.open("rb") as file, _opened(file) as zipped:
        entries = _entries(zipped)
        sizes = {str(entry["file_id"]): _size(zipped, entry) for entry in entries}
        total, done, imported = sum(sizes.values()), 0, []
        for entry in entries:

            def told(sent: int, _: int, before: int = done) -> None:
                progress(before + sent, total)

            imported.append(await _Import(gateway, token, zipped, file, told, note).run(entry))
            done += sizes[str(entry["file_id"])]
    return imported


class _Import:
    """One file on its way."""

    def __init__(
        self,
        gateway: GatewayClient,
        token: str,
        zipped: zipfile.ZipFile,
        file: BinaryIO,
        progress: Progress,
        note: Note,
    ) -> None:
        self._gateway, self._token, self._zipped, self._file = gateway, token, zipped, file
        self._progress, self._note = progress, note

    async def run(self, entry: dict[str, Any]) -> ImportedFile:
        """Upload and list what an entry of ``listings.json`` names."""
        file_id = parse_file_id(entry["file_id"])
        sealed = StoredMember(self._file, self._zipped.getinfo(f"files/{file_id}/sealed"))
        await self._upload(file_id, sealed)
        limits, ended = _limits(entry, int(time.time()))
        await publish(self._gateway, self._token, file_id, self._listing(file_id, entry) | set_limits(limits))
        state = entry["state"]
        if ended and state == "on_sale":
            state = "paused"
            self._note(f"{file_id} is paused, without the limit that is reached: {MEANINGS[ended]}")
        if state != "on_sale":
            body = {"state": state}
            await self._gateway.call(Listing, "PATCH", f"/listings/{file_id}", bearer=self._token, json=body)
        link = None
        if entry["link_share"] is not None:
            share = unb64u(entry["link_share"], key_derivation.LINK_SHARE_SIZE, "link share")
            link = Link(self._gateway.base, file_id, share)
        return ImportedFile(file_id, entry["title"], link)

    async def _upload(self, file_id: FileId, sealed: StoredMember) -> None:
        """Send the bytes; go on with an import that broke; send nothing of what is listed already."""
        try:
            await announce(self._gateway, self._token, file_id, sealed.size)
            offset = 0
        except UploadExists:
            try:
                offset = await offset_of(self._gateway, self._token, file_id)
            except NotFound:
                self._note(f"{file_id} is on this gateway already")
                return
        await send_from(self._gateway, self._token, file_id, sealed, offset, self._progress, self._note)

    def _listing(self, file_id: FileId, entry: dict[str, Any]) -> ListingBody:
        folder = f"files/{file_id}/"
        preview = self._read(folder + "preview") if folder + "preview" in self._zipped.namelist() else None
        return {
            "manifest": self._read(folder + "manifest.json").decode(),
            "signature": b64u(self._read(folder + "signature")),
            "groups": b64u(self._read(folder + "groups")),
            "meta": b64u(self._read(folder + "meta")),
            "preview": None if preview is None else b64u(preview),
            "share": entry["gateway_share"],
        }

    def _read(self, name: str) -> bytes:
        """Return a member; raise BadInput for one that is missing or would fill the memory."""
        try:
            if self._zipped.getinfo(name).file_size > _LARGEST_TEXT:
                raise BadInput(_NOT_OURS)
            return self._zipped.read(name)
        except KeyError:
            raise BadInput(f"{name} is not in the archive") from None


def _opened(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise BadInput(_NOT_OURS) from None


def _entries(zipped: zipfile.ZipFile) -> list[dict[str, Any]]:
    try:
        if zipped.getinfo("listings.json").file_size > _LARGEST_TEXT:
            raise BadInput(_NOT_OURS)
        told = json.loads(zipped.read("listings.json"))
        if told["v"] != FORMAT:
            raise BadInput("this archive was made by a newer Bitcache", hint="Import it with that one.")
        return list(told["listings"])
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile):
        raise BadInput(_NOT_OURS) from None


def _limits(entry: dict[str, Any], now: int) -> tuple[Limits, str | None]:
    """Return the limits that still can be set, with what is left to sell, and the code of one that is reached."""
    limits = Limits(entry.get("sell_until"), entry.get("sales_left"))
    until = None if Limits(limits.sell_until).why_ended(0, now) else limits.sell_until
    return Limits(until, limits.most_sales or None), limits.why_ended(0, now)


def _size(zipped: zipfile.ZipFile, entry: dict[str, Any]) -> int:
    try:
        return zipped.getinfo(f"files/{parse_file_id(entry['file_id'])}/sealed").file_size
    except (KeyError, TypeError):
        raise BadInput("a file of listings.json is not in the archive") from None
