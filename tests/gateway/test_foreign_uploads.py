"""Uploads by clients that others wrote, unmodified: tus-js-client and tuspy send sealed files that are then sold."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway_harness import GatewayHarness
from sales import content, file_for_sale
from support.node_script import said_by
from tusclient.client import TusClient

PIECE = 1 << 20


async def test_tus_js_client_is_stopped_and_goes_on(harness: GatewayHarness, tmp_path: Path) -> None:
    file = file_for_sale(content(3 * PIECE))
    path = tmp_path / "sealed"
    path.write_bytes(file.sealed)
    endpoint = f"{harness.url}/api/v1/uploads"
    asked = {"endpoint": endpoint, "token": harness.token, "fileId": file.file_id, "path": str(path)}
    said = await asyncio.to_thread(said_by, "foreign-upload.js", "tus-js-client", asked | {"chunkSize": PIECE})
    assert said["url"] == f"{endpoint}/{file.file_id}"
    assert said["reached"] == [2 * PIECE, 3 * PIECE, len(file.sealed)], "the first piece was not sent again"
    assert (await harness.create_listing(file)).status == 201


async def test_tuspy_is_stopped_and_goes_on(harness: GatewayHarness, tmp_path: Path) -> None:
    file = file_for_sale(content(3 * PIECE))
    path = tmp_path / "sealed"
    path.write_bytes(file.sealed)
    client = TusClient(f"{harness.url}/api/v1/uploads", headers={"Authorization": f"Bearer {harness.token}"})
    begun = client.uploader(str(path), chunk_size=PIECE, metadata={"file_id": file.file_id})
    await asyncio.to_thread(begun.upload_chunk)
    assert await harness.stands_at(file.file_id) == PIECE
    going_on = await asyncio.to_thread(client.uploader, str(path), chunk_size=PIECE, url=begun.url)
    assert going_on.offset == PIECE
    await asyncio.to_thread(going_on.upload)
    assert (await harness.create_listing(file)).status == 201
