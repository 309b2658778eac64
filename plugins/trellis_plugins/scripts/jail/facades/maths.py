"""``math``: the functions whose work is bounded by their arguments, and bounded forms of the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards

_PLAIN = (
    "acos asin atan atan2 ceil copysign cos degrees exp fabs floor fmod hypot isclose isfinite isinf isnan log log10 log2"
    " modf pow radians sin sqrt tan trunc"
)


def names(guards: Guards) -> dict[str, Any]:
    """Return what the module offers."""
    sizes = guards.sizes

    def factorial(n: Any) -> int:
        if type(n) is not int or n > 1_500:
            raise ValueError("math.factorial takes whole numbers up to 1,500")
        return sizes.integer(math.factorial(n))

    def choose(name: str) -> Any:
        function = getattr(math, name)

        def chosen(n: Any, k: Any) -> int:
            if type(n) is not int or type(k) is not int or n > 1_500:
                raise ValueError(f"math.{name} takes whole numbers up to 1,500")
            return sizes.integer(function(n, k))

        return chosen

    def product(values: Any, *, start: Any = 1) -> Any:
        result = start
        for value in sizes.collect(values):
            guards.budget.tick()
            result = guards.operators["*"](result, value)
        return result

    def exact_sum(values: Any) -> float:
        return math.fsum(sizes.collect(values))

    def whole(name: str) -> Any:
        function = getattr(math, name)

        def of(*values: Any) -> int:
            guards.budget.charge(len(values) * 8)
            return sizes.integer(function(*values))

        return of

    return {
        **{n: _numbers(getattr(math, n)) for n in _PLAIN.split()},
        **{n: choose(n) for n in ("comb", "perm")},
        **{n: whole(n) for n in ("gcd", "lcm", "isqrt")},
        "factorial": factorial,
        "prod": product,
        "fsum": exact_sum,
        "pi": math.pi,
        "e": math.e,
        "tau": math.tau,
        "inf": math.inf,
        "nan": math.nan,
    }


def _numbers(function: Any) -> Any:
    def applied(*values: Any, **named: Any) -> Any:
        return function(*values, **named)

    return applied
