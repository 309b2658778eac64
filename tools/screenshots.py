"""Takes pictures of every page of the demo: ``make screenshots`` writes them to ``docs/screenshots``.

In English and Chinese, at 1440 and 390 pixels, some of them in the dark theme too. Uses its own demo data in a temporary folder and its own server.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "screenshots"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = {
    "home": "/",
    "deal-list": "/o/deal",
    "deal-board": "/o/deal?as=board",
    "deal-groups": "/o/deal?by=stage",
    "visit-calendar": "/o/visit?as=calendar",
    "deal-new": "/o/deal/new",
    "account-list": "/o/account",
    "lead-list": "/o/lead",
    "setup": "/setup",
    "setup-automation": "/setup/automations/deal_won_hand_over",
    "setup-approvals": "/setup/approvals",
    "setup-objects": "/setup/objects",
    "setup-deal": "/setup/objects/deal",
    "recycle-bin": "/bin",
    "settings": "/me",
}
DARK = ("home", "deal-list", "deal-board", "deal-new")
SIZES = {"": (1440, 900), "-phone": (390, 844)}


@contextmanager
def served() -> Iterator[str]:
    """Run a demo of its own; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tempfile.mkdtemp(prefix="trellis-screenshots-")
    command = [sys.executable, "-m", "trellis", "--home", home, "demo", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield wait(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(home, ignore_errors=True)


def wait(address: str) -> str:
    """Return ``address`` once it answers; give up after ten minutes of waiting for the demo data."""
    for _ in range(1200):
        try:
            with urlopen(f"{address}/api/v1/health", timeout=2):
                return address
        except OSError:
            time.sleep(0.5)
    raise SystemExit("The demo server does not answer.")


def log_in(browser: Browser, address: str, language: str, size: tuple[int, int]) -> Page:
    """Return a page of somebody who is logged in."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.add_cookies([{"name": "lang", "value": language, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("[name=login]", "admin")
    page.fill("[name=password]", "trellis-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    return page


def take(page: Page, name: str, ending: str, *, dark: bool) -> None:
    """Write one picture, and one more in the dark theme."""
    page.screenshot(path=str(TARGET / f"{name}{ending}.png"))
    if dark:
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.screenshot(path=str(TARGET / f"{name}{ending}-dark.png"))
        page.evaluate("document.documentElement.dataset.theme = 'light'")


def main() -> None:
    """Take all pictures."""
    TARGET.mkdir(exist_ok=True)
    found = next((shutil.which(n) for n in ("chromium", "chromium-browser", "google-chrome") if shutil.which(n)), None)
    with served() as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=FLAGS)
        for language, ending in (("en", ""), ("zh", "-zh")):
            for size_ending, size in SIZES.items():
                page = log_in(browser, address, language, size)
                for name, path in PAGES.items():
                    page.goto(address + path, wait_until="networkidle")
                    take(page, name, f"{size_ending}{ending}", dark=language == "en" and name in DARK)
                page.goto(address + "/o/deal", wait_until="networkidle")
                first = page.locator('a[href*="/o/deal/deal_"]').first.get_attribute("href")
                page.goto(address + str(first), wait_until="networkidle")
                take(page, "record-page", f"{size_ending}{ending}", dark=language == "en")
        browser.close()


if __name__ == "__main__":
    main()
