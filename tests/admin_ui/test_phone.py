"""What makes the product an app on a phone: manifest and icons without a log-in, and checking in with a position."""

from __future__ import annotations

import struct
import zlib


def test_the_manifest_names_icons_that_exist(anonymous):
    answer = anonymous.get("/app.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    manifest = answer.get_json()
    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
    assert {i["sizes"] for i in manifest["icons"]} == {"192x192", "512x512"}
    for icon in manifest["icons"]:
        size = int(icon["sizes"].partition("x")[0])
        picture = anonymous.get(icon["src"]).data
        assert struct.unpack(">II", picture[16:24]) == (size, size)
        start = picture.index(b"IDAT") + 4
        length = struct.unpack(">I", picture[start - 8 : start - 4])[0]
        assert len(zlib.decompress(picture[start : start + length])) == size * (size * 3 + 1)


def test_other_sizes_do_not_exist(anonymous):
    assert anonymous.get("/app-icon-100000.png").status_code == 404


def test_pages_name_the_manifest(anonymous):
    page = anonymous.get("/login").text
    assert 'rel="manifest" href="/app.webmanifest"' in page and "/app-icon-180.png" in page
