"""Requests to addresses that tenants name: never into the operator's network, never longer or larger than allowed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.http_servers import HttpServer, Reply, http_server

from trellis import outbound
from trellis.outbound import AddressRefused, RequestFailed, request


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server() as found:
        yield found


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.SETTING, "127.0.0.0/8")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_address_inside_the_operators_network_is_refused(server: HttpServer, host: str) -> None:
    before = len(server.requests)
    with pytest.raises((AddressRefused, RequestFailed)) as caught:
        request("GET", f"http://{host}:{server.port}/")
    assert len(server.requests) == before
    assert "not a public address" in caught.value.message or "is not known" in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "//example.com",
        "https://",
        "https://user:pass@example.com/",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com/é",
        "gopher://127.0.0.1",
    ],
)
def test_what_is_no_web_address_is_refused_without_going_there(url: str) -> None:
    with pytest.raises(AddressRefused):
        request("GET", url)
    with pytest.raises(AddressRefused):
        outbound.check_url(url)


def test_name_with_one_inner_address_among_several_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
    with pytest.raises(AddressRefused, match=r"at 10\.0\.0\.1"):
        outbound.resolve("example.com", 80)


def test_connection_goes_to_the_address_that_was_judged(
    server: HttpServer, allowed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere at the second look is looked at once only."""
    answers = iter([[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]])
    real = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **more: Any) -> Any:
        return next(answers) if host == "shop.example" else real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert request("GET", f"http://shop.example:{server.port}/x").status == 200
    assert server.requests[-1].headers["host"] == f"shop.example:{server.port}"


def test_redirect_is_an_answer_and_is_not_followed(server: HttpServer, allowed: None) -> None:
    server.replies = [Reply(302, b"", {"Location": "http://169.254.169.254/"})]
    before = len(server.requests)
    assert request("GET", f"{server.url}/").status == 302
    assert len(server.requests) == before + 1


@pytest.mark.parametrize(
    "reply", [Reply(pause_s=1.5), Reply(body=b"x" * 100, drip_s=0.1)], ids=["silent", "a byte now and then"]
)
def test_other_side_that_takes_too_long_is_left(server: HttpServer, allowed: None, reply: Reply) -> None:
    server.replies = [reply]
    started = time.monotonic()
    with pytest.raises(RequestFailed):
        request("POST", f"{server.url}/", body=b"{}", timeout_s=0.4)
    assert time.monotonic() - started < 1.4


def test_other_side_that_hangs_up_or_talks_too_much_is_told_apart(server: HttpServer, allowed: None) -> None:
    server.replies = [Reply(hang_up=True), Reply(body=b"x" * 3000)]
    with pytest.raises(RequestFailed, match="cannot be reached"):
        request("GET", f"{server.url}/")
    with pytest.raises(RequestFailed, match="answered more than 1 KB"):
        request("GET", f"{server.url}/", max_answer=1024)
