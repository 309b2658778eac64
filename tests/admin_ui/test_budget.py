"""What the first page after the log-in costs: requests and bytes over the wire, with an empty and with a filled cache."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import sample

pytestmark = pytest.mark.browser
COLD_BYTES, COLD_REQUESTS, WARM_BYTES = 300_000, 15, 60_000


@dataclass
class Traffic:
    """Counts what a page loads: bytes as sent, headers included; what the cache gives costs nothing."""

    requests: dict[str, str] = field(default_factory=dict)
    size: float = 0
    cached: set[str] = field(default_factory=set)

    def watch(self, session) -> None:
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", lambda e: self.requests.update({e["requestId"]: e["request"]["url"]}))
        session.on("Network.requestServedFromCache", lambda e: self.cached.add(e["requestId"]))
        session.on("Network.loadingFinished", self._finished)

    def _finished(self, event) -> None:
        if event["requestId"] not in self.cached:
            self.size += event["encodedDataLength"]

    @property
    def sent(self) -> list[str]:
        return [u for i, u in self.requests.items() if i not in self.cached and not u.startswith("data:")]


def _measure(page, action) -> Traffic:
    session = page.context.new_cdp_session(page)
    traffic = Traffic()
    traffic.watch(session)
    action()
    page.wait_for_load_state("networkidle")
    session.detach()
    return traffic


def test_first_page_after_logging_in_keeps_to_its_budget(browser, server):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    # The form is sent without having loaded a page before it: nothing is in the cache.
    page.route("**/static/**", lambda route: route.abort())
    page.goto(f"{server}/login")
    page.unroute("**/static/**")
    page.fill("[name=login]", "ada")
    page.fill("[name=password]", sample.PASSWORD)
    cold = _measure(page, lambda: (page.keyboard.press("Enter"), page.wait_for_url(f"{server}/")))
    assert any("/static/" in url for url in cold.sent), "the assets were not loaded: the test measures nothing"
    assert len(cold.sent) <= COLD_REQUESTS, cold.sent
    assert cold.size <= COLD_BYTES
    warm = _measure(page, lambda: page.goto(f"{server}/"))
    assert warm.size <= WARM_BYTES
    assert cold.size > 5_000 and warm.size > 1_000
    context.close()
