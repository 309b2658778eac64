"""What a step of automation may take as its template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kinds.template import KIND

if TYPE_CHECKING:
    from trellis.automation.place import Place


def check_template(name: str, use: str, at: str, place: Place) -> Iterator[Diagnostic]:
    """Yield why a step cannot use a template: it is not there, for another use, or for another object."""
    known = place.snapshot.of_kind("template")
    if name not in known:
        yield Diagnostic("unknown_reference", at, f"There is no template '{name}'.{did_you_mean(name, known)}", "")
        return
    found = KIND.read(known[name])
    if found.use != use:
        yield Diagnostic("wrong_template", at, f"The template '{name}' is for a {found.use}, not for a {use}.", "")
    if found.object != place.object:
        yield Diagnostic(
            "wrong_template", at, f"The template '{name}' is for '{found.object}', not for '{place.object}'.", ""
        )
