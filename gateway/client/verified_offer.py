"""What a link sells, with everything checked that can be checked before paying.

:func:`look` shows it; :func:`group_hashes` is for who buys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bitcache import safe_names
from bitcache.errors import InvalidIdentifier, InvalidManifest, Tampered
from bitcache.identifiers import unb64u
from bitcache.sealing import container, hash_groups, manifest, metadata
from bitcache.sealing.file_link import Link
from gateway.api.models import File
from gateway.client.errors import GatewayConfused
from gateway.client.gateway_client import GatewayClient, read_limited

MAX_GROUP_LIST = 64 * 1024 * 1024  #: bytes; a larger one is a way to fill the memory
_HINT = "Do not pay. Ask the seller for a new link."


@dataclass(frozen=True, slots=True)
class VerifiedOffer:
    """What is for sale behind a link, with every check that needs no payment passed."""

    link: Link = field(repr=False)
    file: File
    manifest: manifest.Manifest
    metadata: metadata.Metadata


async def look(gateway: GatewayClient, link: Link) -> VerifiedOffer:
    """Return what the link sells; raise Tampered unless the seller signed all of it, WrongKey for a wrong link."""
    file = await gateway.call(File, "GET", f"/files/{link.file_id}")
    try:
        signed = manifest.verify(file.manifest, unb64u(file.signature, 64, "signature"))
        sealed_meta = unb64u(file.meta)
        if signed.meta_hash != manifest.digest(sealed_meta):  # before it is opened: else the link would be blamed
            raise InvalidManifest("the description is not the signed one")
        about = metadata.open_metadata(sealed_meta, link.link_share, link.file_id)
        _refuse_swapped(link, file, signed, about)
    except (InvalidManifest, InvalidIdentifier) as error:
        raise Tampered(str(error), hint=_HINT) from None
    return VerifiedOffer(link, file, signed, about)


async def group_hashes(gateway: GatewayClient, offer: VerifiedOffer) -> bytes:
    """Return the list that the seller signed, which proves the bytes as they arrive; raise Tampered.

    It grows with the file (32 MB for 1 TB), so look first whether there is room for that.
    """
    expected = hash_groups.HASH_SIZE * hash_groups.group_count(offer.manifest.sealed_size)
    if expected > MAX_GROUP_LIST:
        raise GatewayConfused("the file is said to be larger than 2 TB", hint="This client takes no larger ones.")
    async with gateway.open("GET", f"/files/{offer.link.file_id}/groups") as response:
        hashes = await read_limited(response, expected)
    try:
        hash_groups.parse_groups(hashes, offer.manifest)
    except InvalidManifest as error:
        raise Tampered(str(error), hint=_HINT) from None
    return hashes


def output_path(offer: VerifiedOffer, wanted: Path | None) -> Path:
    """Return where the file goes: ``wanted``, or under its own safe name, in ``wanted`` if that is a folder."""
    if wanted is not None and not wanted.is_dir():
        return wanted
    return (wanted or Path()) / safe_names.safe_file_name(offer.metadata.name)


def _refuse_swapped(link: Link, file: File, signed: manifest.Manifest, about: metadata.Metadata) -> None:
    facts = (
        (signed.file_id == link.file_id, "the manifest belongs to another file"),
        (signed.seller_key == about.seller_key, "the manifest is signed by somebody else than the seller"),
        (signed.price_sat == file.price_sat, "the price is not the signed one"),
        (container.plain_size(signed.sealed_size) == about.size, "the size is not the described one"),
    )
    for holds, otherwise in facts:
        if not holds:
            raise Tampered(otherwise, hint=_HINT)
