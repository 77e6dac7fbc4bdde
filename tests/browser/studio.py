"""Takes pictures of a page in every look, for screenshots.py."""

from __future__ import annotations

from pathlib import Path

from browser_harness import BrowserHarness
from playwright.async_api import Browser, BrowserContext, Page

OUT = Path(__file__).parents[2] / "test-results" / "screens"
LOOKS = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]


class Studio:
    """Takes one state's page in all looks."""

    def __init__(self, browser: Browser, harness: BrowserHarness, wanted: set[str]) -> None:
        self.browser = browser
        self.harness = harness
        self.wanted = wanted

    def wants(self, name: str) -> bool:
        return not self.wanted or name in self.wanted

    async def context(self, language: str = "en", scripts: bool = True) -> BrowserContext:
        return await self.browser.new_context(
            locale=language, java_script_enabled=scripts, viewport={"width": 390, "height": 844}, device_scale_factor=1
        )

    async def shoot(self, name: str, page: Page) -> None:
        for width, scheme in LOOKS:
            await page.set_viewport_size({"width": width, "height": 844 if width < 500 else 1000})
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await page.wait_for_timeout(150)
            await page.screenshot(path=OUT / f"{name}-{width}-{scheme}.png", full_page=True)
