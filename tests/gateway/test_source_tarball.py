"""The source of what runs here, for everyone who uses it."""

from __future__ import annotations

import asyncio
import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, open_harness

from gateway.web import source_tarball

ROOT = Path(__file__).parents[2]


async def fetch(harness: GatewayHarness, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    async with harness.http.request(method, f"{harness.url}/source.tar.gz", headers=headers) as got:
        return got.status, got.headers, await got.read()


def unpacked(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return {entry.name.partition("/")[2]: entry for entry in tar}


async def test_it_is_the_whole_program_and_runs(harness: GatewayHarness, tmp_path: Path) -> None:
    """Every file of the packages; unpacked elsewhere, the command starts."""
    status, headers, data = await fetch(harness)
    assert (status, headers["Content-Type"]) == (200, "application/gzip")
    assert int(headers["Content-Length"]) == len(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        # Debian 12's Python 3.11.2 does not know filters yet
        tar.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    [folder] = [path for path in tmp_path.iterdir() if path.name.startswith("bitcache-")]
    kept = [path for package in source_tarball.PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    for path in kept:
        if path.suffix not in (".pyc",) and not path.name.startswith("."):
            assert (folder / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    assert (folder / "LICENSE").exists()
    assert (folder / "pyproject.toml").exists()
    code = "import gateway.server.app, gateway.web.pages as p; print(p.__file__)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert str(folder.resolve()) in said.decode()


async def test_nothing_but_the_program(harness: GatewayHarness) -> None:
    """No settings, data or caches, nobody's name, and no time of this machine."""
    entries = unpacked((await fetch(harness))[2])
    assert "pyproject.toml" in entries
    for name, entry in entries.items():
        assert entry.isfile()
        assert (entry.uid, entry.uname, entry.gname, entry.mtime) == (0, "", "", 0)
        assert name in source_tarball.BESIDE or (
            Path(name).suffix in source_tarball.KINDS and name.split("/")[0] in source_tarball.PACKAGES
        )
        assert ".." not in name
        assert "__pycache__" not in name


async def test_what_lies_around_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder inside a package, a hidden file, a link that leads out; beside installed packages, anything."""
    (tmp_path / "gateway" / "data" / "__pycache__").mkdir(parents=True)
    for name in ("data/bitcache.sqlite3", "data/master.key", "config.toml", ".env.py", "data/__pycache__/x.py", "a.py"):
        (tmp_path / "gateway" / name).write_text("x")
    (tmp_path / "secret.py").write_text("x")
    (tmp_path / "LICENSE").write_text("another program's")
    (tmp_path / "gateway" / "b.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "gateway" / "out").symlink_to(tmp_path)
    monkeypatch.setattr(source_tarball, "_ROOT", tmp_path)
    names = {name: data for name, data, _ in source_tarball._files()}
    assert names.pop("METADATA").startswith(b"Metadata-Version")
    assert names.get("LICENSE") != b"another program's"
    assert set(names) - {"LICENSE"} == {"gateway/a.py"}


async def test_made_once_and_asked_for_again(harness: GatewayHarness) -> None:
    """The same bytes each time; who has them is told so."""
    source_tarball._build.cache_clear()
    answers = await asyncio.gather(*[fetch(harness) for _ in range(5)])
    assert len({data for _, _, data in answers}) == 1
    assert source_tarball._build.cache_info().misses == 1
    etag = answers[0][1]["ETag"]
    assert (await fetch(harness, **{"If-None-Match": etag}))[0] == 304
    status, headers, data = await fetch(harness, "HEAD")
    assert (status, int(headers["Content-Length"]), data) == (200, len(answers[0][2]), b"")


@pytest.mark.parametrize(("language", "words"), [("en", "Source code (AGPL)"), ("fr", "Code source (AGPL)")])
async def test_pages_offer_it(tmp_path: Path, language: str, words: str) -> None:
    """A quiet link under every page."""
    async with open_harness(tmp_path) as harness:
        for path in ("/", "/sell", "/embed", "/nothing"):
            async with harness.http.get(
                harness.url + path, headers={"Accept": "text/html", "Accept-Language": language}
            ) as got:
                assert f'<a href="/source.tar.gz">{words}</a>' in await got.text()
