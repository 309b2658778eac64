"""Routes whose addresses are written by code that is compiled when the first address of the route is asked for.

Werkzeug compiles two functions for every route when the route is added: half a millisecond for each of some hundred routes, of
which a process writes the addresses of a few.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


class LateRule(Rule):
    """A rule that can do the same as its base, and is ready sooner."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        compile_now = super()._compile_builder
        made: list[Builder] = []

        def build(rule: Rule, /, **values: object) -> tuple[str, str]:
            if not made:
                made.append(compile_now(append_unknown))
            return made[0](rule, **values)

        return build
