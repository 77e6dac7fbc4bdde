"""Everything that a seller has at a gateway, in one archive that opens without it.

    README.txt  open.py  open.html       how to read it
    listings.json                        each file's title, price, state, limits and both shares of its key
    files/<F>/manifest.json  signature  groups  meta  preview  sealed
    sales.json  sales.csv  account.json

A ZIP (ZIP64) whose members are stored, not compressed: sealed bytes do not shrink, and the openers read them in place.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from bitcache.errors import SealingError, WrongKey
from bitcache.identifiers import FileId, b64u, unb64u
from bitcache.listing_limits import Limits
from bitcache.sealing import hash_groups, key_derivation, manifest, metadata
from bitcache.sealing.file_link import Link
from bitcache.sealing.manifest import Manifest
from bitcache.sealing.metadata import Metadata
from bitcache.storage.durable_files import place_new
from gateway.api.models import File, Listings, ListingWithSales, SellerInfo, Share
from gateway.api.sales_models import SalesPage
from gateway.client.bookkeeping import csv_of
from gateway.client.download_file import download
from gateway.client.gateway_client import GatewayClient, read_limited
from gateway.client.output_file import refuse_existing
from gateway.client.part_file import Progress
from gateway.client.seller_account import SellerAccount
from gateway.client.upload_file import Note
from gateway.client.verified_offer import MAX_GROUP_LIST

FORMAT = 1
_OPENERS = Path(__file__).parent / "archive"
_LARGEST_PREVIEW = 400_000

P = TypeVar("P", Listings, SalesPage)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an archive holds; ``without_link`` files open only with a link that is kept elsewhere."""

    files: int
    sealed_bytes: int
    sales: int
    without_link: int


async def export_all(
    gateway: GatewayClient,
    account: SellerAccount,
    links: dict[FileId, Link],
    target: Path,
    progress: Progress,
    note: Note,
) -> ExportReport:
    """Write the archive, which appears whole; raise what :func:`refuse_existing` raises."""
    refuse_existing(target, force=False)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                report = await _Export(gateway, account, links, archive, progress, note).run()
            file.flush()
            os.fsync(file.fileno())
            place_new(part, target)
        finally:
            part.unlink(missing_ok=True)
    return report


class _Export:
    """One archive in the making."""

    def __init__(
        self,
        gateway: GatewayClient,
        account: SellerAccount,
        links: dict[FileId, Link],
        archive: zipfile.ZipFile,
        progress: Progress,
        note: Note,
    ) -> None:
        self._gateway, self._account, self._links, self._archive = gateway, account, links, archive
        self._progress, self._note = progress, note
        self._done = self._total = 0

    async def run(self) -> ExportReport:
        """Write every member."""
        for name in ("README.txt", "open.py.txt", "open.html"):  # no module of ours: it runs by itself, elsewhere
            self._archive.writestr(name.replace(".py.txt", ".py"), (_OPENERS / name).read_bytes())
        token = self._account.token
        listings = self._available(
            [listing for page in await _pages(self._gateway, token, Listings, "/listings") for listing in page.listings]
        )
        self._total = sum(listing.sealed_size for listing in listings)
        described = [await self._add(listing) for listing in listings]
        base = self._gateway.base
        self._json("listings.json", {"v": FORMAT, "gateway": base, "listings": described})
        titles = {entry["file_id"]: entry["title"] for entry in described if entry["title"] is not None}
        sales = [sale for page in await _pages(self._gateway, token, SalesPage, "/sales") for sale in page.sales]
        self._json("sales.json", {"sales": [sale.model_dump(mode="json") for sale in sales]})
        self._archive.writestr("sales.csv", csv_of(sales, titles))
        seller = await self._gateway.call(SellerInfo, "GET", "/seller", bearer=token)
        self._json("account.json", seller.model_dump(mode="json"))
        missing = sum(entry["link_share"] is None for entry in described)
        return ExportReport(len(described), self._total, len(sales), missing)

    def _available(self, listings: list[ListingWithSales]) -> list[ListingWithSales]:
        """Return what can be taken along; say what cannot."""
        for listing in listings:
            if listing.taken_down is not None:
                self._note(f"{listing.file_id} is left out: the operator has taken it down ({listing.taken_down})")
        return [listing for listing in listings if listing.taken_down is None]

    def _json(self, name: str, value: dict[str, Any]) -> None:
        self._archive.writestr(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    async def _add(self, listing: ListingWithSales) -> dict[str, Any]:
        """Write one file's members, and return what ``listings.json`` says of it."""
        file_id, folder = FileId(listing.file_id), f"files/{listing.file_id}/"
        file = await self._gateway.call(File, "GET", f"/files/{file_id}")
        signed = manifest.verify(file.manifest, unb64u(file.signature, 64, "signature"))
        sealed_meta = unb64u(file.meta)
        link, about = self._link(file_id, sealed_meta)
        self._archive.writestr(folder + "manifest.json", file.manifest)
        self._archive.writestr(folder + "signature", unb64u(file.signature, 64, "signature"))
        self._archive.writestr(folder + "meta", sealed_meta)
        if signed.preview_hash is not None:
            preview = await self._read(f"/files/{file_id}/preview", _LARGEST_PREVIEW)
            self._archive.writestr(folder + "preview", preview)
        groups = await self._read(f"/files/{file_id}/groups", MAX_GROUP_LIST)
        self._archive.writestr(folder + "groups", groups)
        await self._add_sealed(file_id, signed, groups)
        return {
            "file_id": file_id,
            "title": about.title if about else None,
            "name": about.name if about else None,
            "price_sat": signed.price_sat,
            "created_at": listing.created_at,
            "state": listing.state,
            "sell_until": listing.sell_until,
            "most_sales": listing.most_sales,
            "sales_left": Limits(None, listing.most_sales).left(listing.sales.settled + listing.sales.pending),
            "link_share": b64u(link.link_share) if link else None,
            "gateway_share": b64u(await self._share(file_id, signed)),
        }

    def _link(self, file_id: FileId, sealed_meta: bytes) -> tuple[Link | None, Metadata | None]:
        """Return the link that opens this file, where it is known, and what the description says."""
        link = self._links.get(file_id)
        if link is not None:
            try:
                return link, metadata.open_metadata(sealed_meta, link.link_share, file_id)
            except SealingError:
                self._note(f"The link that is kept for {file_id} is not that file's")
        return None, None

    async def _share(self, file_id: FileId, signed: Manifest) -> bytes:
        asked, token = {"proof": self._account.token}, self._account.token
        answer = await self._gateway.call(Share, "POST", f"/listings/{file_id}/share", bearer=token, json=asked)
        share = unb64u(answer.share, key_derivation.GATEWAY_SHARE_SIZE, "share")
        if key_derivation.share_hash(share) != signed.share_hash:
            raise WrongKey(f"the gateway's share of {file_id} is not the signed one")
        return share

    async def _read(self, path: str, limit: int) -> bytes:
        async with self._gateway.open("GET", path) as response:
            return await read_limited(response, limit)

    async def _add_sealed(self, file_id: FileId, signed: Manifest, groups: bytes) -> None:
        """Write the sealed bytes, checked as they come."""
        hash_groups.parse_groups(groups, signed)
        path, token, done = f"/listings/{file_id}/bytes", self._account.token, self._done

        def progress(arrived: int, _: int) -> None:
            self._progress(done + arrived, self._total)

        with self._archive.open(f"files/{file_id}/sealed", "w", force_zip64=True) as member:
            part = _VerifiedMember(member, signed, groups)
            await download(self._gateway, part, path, token, progress)
            part.verifier.finalize()
        self._done += signed.sealed_size


class _VerifiedMember:
    """A member of the archive that takes the signed bytes alone."""

    def __init__(self, member: IO[bytes], signed: Manifest, groups: bytes) -> None:
        self._member, self.size, self.offset = member, signed.sealed_size, 0
        self.verifier = hash_groups.GroupVerifier(signed, groups)

    def write(self, data: bytes) -> None:
        """Take the next bytes; raise Tampered."""
        self.verifier.update(data)
        self._member.write(data)
        self.offset += len(data)


async def _pages(gateway: GatewayClient, token: str, model: type[P], path: str) -> list[P]:
    """Return every page of what a seller has."""
    pages = [await gateway.call(model, "GET", path, bearer=token)]
    while pages[-1].next is not None:
        pages.append(await gateway.call(model, "GET", f"{path}?after={pages[-1].next}", bearer=token))
    return pages
