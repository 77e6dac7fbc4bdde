"""Steps 1 and 2 from the seller's side: seal a file or a folder while it uploads, then put it up for sale.

:func:`sell` does the whole of it and returns the buyer's link.  Memory stays constant and a lost connection
costs one piece, because :class:`~gateway.client.sealed_file.SealedFile` can be read at any offset.
"""

from __future__ import annotations

import asyncio
import mimetypes
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bitcache import safe_names
from bitcache.errors import SalesPaused, UploadTooLarge
from bitcache.identifiers import FileId, b64u, new_file_id
from bitcache.listing_limits import Limits, check_limits
from bitcache.money import price
from bitcache.sealing import hash_groups, key_derivation, manifest, metadata
from bitcache.sealing.file_link import Link
from gateway.api.models import SellerInfo
from gateway.client.errors import EmptyFile
from gateway.client.folder_archive import FolderArchive
from gateway.client.folder_members import members_of
from gateway.client.gateway_client import GatewayClient
from gateway.client.plain_file import PlainFile, PlainSource, open_regular
from gateway.client.sealed_file import SealedFile
from gateway.client.upload_file import ListingBody, Note, Progress, forget, publish, set_limits, upload


@dataclass(frozen=True, slots=True)
class FileToSell:
    """What a seller wants sold: the file or folder, its price, what buyers see before they pay."""

    path: Path
    price_sat: int
    title: str
    preview: metadata.Preview | None = None
    description: str = ""  #: limited Markdown
    contact: str = ""  #: who sells, and how to reach them
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A listing as the seller keeps it; ``link`` is the secret to hand to buyers.

    ``seconds``: ``upload`` from the first byte to the listing, and ``seal``, most of which passed meanwhile.
    """

    link: Link
    title: str
    price_sat: int
    size: int
    sealed_size: int
    seconds: dict[str, float]


async def sell(
    gateway: GatewayClient,
    token: str,
    seed: bytes,
    file_to_sell: FileToSell,
    progress: Progress = lambda done, total: None,
    note: Note = lambda text: None,
    source: PlainSource | None = None,
) -> PublishedFile:
    """Seal, upload and list ``file_to_sell``, signed by the Ed25519 ``seed``.

    A folder is packed on the way.  ``source``, if given, is what is sold, and closed; the path is its name alone then.
    Nothing is left behind on the gateway when it fails: the keys live here only, so half an upload is worthless.
    """
    file_id, link_share, gateway_share = (
        new_file_id(),
        key_derivation.new_link_share(),
        key_derivation.new_gateway_share(),
    )
    key = key_derivation.file_key(link_share, gateway_share, file_id)
    name = file_to_sell.path.name
    if source is None:
        name = name_of(file_to_sell.path)
        source = await asyncio.to_thread(_opened, file_to_sell.path, note)
    with closing(SealedFile(source, key, key_derivation.file_context(file_id))) as sealed:
        if sealed.plain_size == 0:
            raise EmptyFile("this file is empty")
        await _check_terms(gateway, token, file_to_sell, sealed.size)
        started = time.perf_counter()
        try:
            await upload(gateway, token, file_id, sealed, progress, note)
            listing = _listing(file_to_sell, name, sealed, file_id, link_share, gateway_share, seed)
            await publish(gateway, token, file_id, listing)
        except BaseException:
            await forget(gateway, token, file_id)
            raise
    sending = time.perf_counter() - started
    return PublishedFile(
        link=Link(gateway.base, file_id, link_share),
        title=safe_names.title(file_to_sell.title),
        price_sat=file_to_sell.price_sat,
        size=sealed.plain_size,
        sealed_size=sealed.size,
        seconds={"seal": round(sealed.seconds, 3), "upload": round(sending, 3)},
    )


def name_of(path: Path) -> str:
    """Return the name under which buyers save what lies there."""
    if not path.is_dir():
        return path.name
    named = path if path.name not in ("", "..") else path.resolve()
    return f"{named.name or 'folder'}.zip"


def _opened(path: Path, note: Note) -> PlainSource:
    """Return what is sealed; say what of a folder is packed."""
    if not path.is_dir():
        return PlainFile(open_regular(path))
    members = members_of(path)
    note(members.summary())
    return FolderArchive(members.files)


async def _check_terms(gateway: GatewayClient, token: str, file_to_sell: FileToSell, sealed_size: int) -> None:
    """Refuse before the upload what would be refused after it."""
    safe_names.title(file_to_sell.title)
    safe_names.description(file_to_sell.description)
    safe_names.title(file_to_sell.contact or "nobody says who")
    check_limits(asdict(file_to_sell.limits), int(time.time()))
    seller = await gateway.call(SellerInfo, "GET", "/seller", bearer=token)
    if seller.payout is None:
        raise SalesPaused(
            "this seller has nowhere to be paid yet",
            hint="Give a payout descriptor first: on the gateway's page /sell, or with bitcache init --descriptor.",
        )
    price(file_to_sell.price_sat, dust=seller.min_price_sat)
    if sealed_size > seller.max_file_bytes:
        raise UploadTooLarge("the file is larger than this gateway takes")


def _listing(
    file_to_sell: FileToSell,
    name: str,
    sealed: SealedFile,
    file_id: FileId,
    link_share: bytes,
    gateway_share: bytes,
    seed: bytes,
) -> ListingBody:
    """Return the body of ``POST /listings``: everything sealed, hashed and signed."""
    seller_key = manifest.seller_key(seed)
    about = metadata.Metadata(
        title=file_to_sell.title,
        name=name,
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        size=sealed.plain_size,
        seller_key=seller_key,
        description=file_to_sell.description,
        contact=file_to_sell.contact,
    )
    meta = metadata.seal_metadata(about, link_share, file_id, key_derivation.new_salt())
    preview = None
    if file_to_sell.preview is not None:
        preview = metadata.seal_preview(file_to_sell.preview, link_share, file_id, key_derivation.new_salt())
    hashes = sealed.group_hashes()
    text = manifest.Manifest(
        file_id=file_id,
        sealed_size=sealed.size,
        header=sealed.header,
        group_root=hash_groups.group_root(hashes),
        share_hash=key_derivation.share_hash(gateway_share),
        meta_hash=manifest.digest(meta),
        preview_hash=None if preview is None else manifest.digest(preview),
        price_sat=file_to_sell.price_sat,
        seller_key=seller_key,
    ).text()
    return {
        "manifest": text,
        "signature": b64u(manifest.sign(text, seed)),
        "groups": b64u(b"".join(hashes)),
        "meta": b64u(meta),
        "preview": None if preview is None else b64u(preview),
        "share": b64u(gateway_share),
        **set_limits(file_to_sell.limits),
    }
