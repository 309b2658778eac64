"""Routes that compile late write the same addresses as Werkzeug's own."""

from __future__ import annotations

import pytest
from support.app import World
from werkzeug.routing import BuildError, Map, Rule

from trellis.api.late_rules import LateRule

PLACES = [
    ("/records/<name>", {}),
    ("/records/<name>/<int:number>", {"number": 7}),
    ("/files/<path:file>", {}),
    ("/always", {}),
]
VALUES = [
    {"name": "a b/ü"},
    {"name": "deal", "number": 12},
    {"name": "deal", "number": 7, "more": ["x", "&"]},
    {"file": "a/b c.txt", "q": "1"},
    {"other": "x"},
    {},
]


@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize(("place", "defaults"), PLACES, ids=str)
def test_address_is_that_of_the_base(place: str, defaults: dict[str, int], values: dict[str, object]) -> None:
    def written(kind: type[Rule], unknown: bool) -> str | None:
        address = Map([kind(place, endpoint="it", defaults=defaults or None)]).bind("example.org")
        try:
            return address.build("it", values, append_unknown=unknown)
        except BuildError:
            return None

    for unknown in (True, False):
        assert written(LateRule, unknown) == written(Rule, unknown)


def test_routes_of_the_application_compile_late(world: World) -> None:
    assert {type(r) for r in world.ada.http.application.url_map.iter_rules()} == {LateRule}
