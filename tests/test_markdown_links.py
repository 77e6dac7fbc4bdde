"""Every link between the project's Markdown files leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*#*$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```|^~~~.*?^~~~", re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return the names of a file's headings, as code hosts make them: lower case, hyphens for blanks."""
    headings = _HEADING.findall(_CODE.sub("", path.read_text()))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def links(path: Path) -> list[str]:
    """Return the links of a file that stay in the project."""
    return [link for link in _LINK.findall(_CODE.sub("", path.read_text())) if "://" not in link and ":" not in link]


def broken(path: Path, link: str) -> bool:
    """Return whether a link leads nowhere."""
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


def test_there_are_links() -> None:
    assert sum(len(links(path)) for path in FILES) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    assert [link for link in links(path) if broken(path, link)] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One, `two`\n[here](#one-two) [gone](#three) [away](other.md)\n")
    assert [broken(page, link) for link in links(page)] == [False, True, True]
