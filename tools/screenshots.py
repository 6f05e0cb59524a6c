"""Photograph every page of a running demonstration, in both languages, with the system's chromium.

Start it with ``make demo`` and ``make serve``; only people who do not exist are in its pictures.  The passphrase is the
one that ``custodes demo`` prints; without ``--passphrase`` it is read from the demonstration's own note.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
_SIZE: ViewportSize = {"width": 1280, "height": 860}


class Photographer:
    """One language of the demonstration."""

    def __init__(self, browser: Browser, base_url: str, passphrase: str, folder: Path, language: str) -> None:
        self._browser = browser
        self._base_url = base_url.rstrip("/")
        self._passphrase = passphrase
        self._folder = folder
        self._language = language

    def all(self) -> None:
        """Photograph the pages, role by role."""
        page = self._somebody(None)
        self._shoot(page, "sign-in", "/sign-in")
        self._shoot(page, "transparency", "/transparency")
        self._searcher(self._somebody("noor.haddad@nrp.example"))
        self._supervisor(self._somebody("gilles.okafor@nrp.example"))
        officer = self._somebody("tom.bearskin@lks.example")
        self._shoot(officer, "work-records-officer", "/")
        self._shoot(self._somebody("ines.duarte@nrp.example"), "work-auditor", "/", whole=False)
        self._shoot(self._somebody("ada.moreau@nrp.example"), "work-administrator", "/")

    def _searcher(self, page: Page) -> None:
        self._shoot(page, "work-searcher", "/")
        case = page.locator("table a").first.get_attribute("href")
        lists = [link.get_attribute("href") for link in page.locator("a[href$='/candidates']").all()]
        self._shoot(page, "case", case)
        self._shoot(page, "ask", page.locator("a[href$='/ask']").first.get_attribute("href"), pick=True)
        names = {True: "candidates", False: "no-candidate"}
        for address in dict.fromkeys(lists):
            page.goto(f"{self._base_url}{address}")
            found = page.locator(".candidates").count() > 0
            if found in names:
                self._shoot(page, names.pop(found), address)
            if found and "record" not in names.values():
                self._shoot(page, "record", page.locator(".candidate-words a").first.get_attribute("href"))
        self._shoot(page, "not-found", "/nowhere")

    def _supervisor(self, page: Page) -> None:
        self._shoot(page, "work-supervisor", "/")
        waiting = page.locator(".request-row a.primary")
        if waiting.count():
            self._shoot(page, "decision", waiting.first.get_attribute("href"))

    def _somebody(self, email: str | None) -> Page:
        page = self._browser.new_context(locale=f"{self._language}-CA", viewport=_SIZE).new_page()
        if email is not None:
            page.goto(f"{self._base_url}/sign-in")
            page.locator("#email").fill(email)
            page.locator("#password").fill(self._passphrase)
            page.locator("main button.primary").click()
            page.locator("form[action='/sign-out']").wait_for()
        return page

    def _shoot(self, page: Page, name: str, address: str | None, *, whole: bool = True, pick: bool = False) -> None:
        page.goto(f"{self._base_url}{address}")
        if pick:
            page.locator(".faces input").first.check()
        for image in page.locator("img").all():
            image.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        page.keyboard.press("Home")
        picture = Image.open(io.BytesIO(page.screenshot(full_page=whole)))
        # a palette: a third of the size, and the repository keeps them all
        picture.quantize(256).save(self._folder / f"{name}-{self._language}.png", optimize=True)
        print(f"{name}-{self._language}.png")


def _passphrase() -> str:
    note = Path(os.environ.get("CUSTODES_DATA_DIR", ROOT / "demo-data")) / "demo.json"
    return str(json.loads(note.read_text(encoding="utf-8"))["passphrase"])


def main() -> int:
    """Photograph the pages; return 1 if there is no browser to do it with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--passphrase", help="the demonstration's passphrase")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("No chromium on this machine.", file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    passphrase = options.passphrase or _passphrase()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for language in ("en", "fr"):
            Photographer(browser, options.base_url, passphrase, options.folder, language).all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
