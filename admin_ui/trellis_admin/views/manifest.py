"""What makes the product an app on a phone's home screen: its manifest and its icons. Nobody has to be logged in for them."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import NotFound

from trellis_admin.app_icon import png

SIZES = (180, 192, 512)
_DAY_S = 24 * 3600


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/app.webmanifest", "manifest", manifest)
    blueprint.add_url_rule("/app-icon-<int:size>.png", "app_icon", icon)


def manifest() -> Response:
    """The manifest (https://www.w3.org/TR/appmanifest/)."""
    answer = jsonify(
        {
            "name": "Trellis",
            "short_name": "Trellis",
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#f7f7f8",
            "theme_color": "#4a4fd8",
            "icons": [
                {"src": f"/app-icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
                for size in SIZES[1:]
                for purpose in ("any", "maskable")
            ],
        }
    )
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = f"public, max-age={_DAY_S}"
    return answer


def icon(size: int) -> Response:
    """The icon in one of the sizes that systems ask for."""
    if size not in SIZES:
        raise NotFound
    return Response(png(size), mimetype="image/png", headers={"Cache-Control": f"public, max-age={_DAY_S}"})
