"""One's own records that have been too long in their stage."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g
from flask_babel import gettext as _

from trellis.pipelines.stuck_records import stuck_records
from trellis.pipelines.versions import pipelines_of
from trellis.query import Query, Sort
from trellis.record_id import format_id
from trellis_admin.colors import color_of
from trellis_admin.day import Item, Section
from trellis_admin.i18n import language
from trellis_admin.reading import label_of, run
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.session import readable_objects

ORDER = 20
SHOWN = 8


def sections() -> Sequence[Section]:
    """Return them under one heading: two statements per object with pipelines."""
    items: list[Item] = []
    for name in readable_objects(g.model, g.person) if g.person.user is not None else ():
        root = g.model.object(name)
        if not pipelines_of(g.model, root):
            continue
        with g.tenant.database.reading() as connection:
            since = stuck_records(connection, root, g.person.user)
        if not since:
            continue
        ids = [format_id(name, number) for number in since]
        mine = {"field": "owner", "op": "=", "value": format_id("user", g.person.user)}
        condition = {"and": [mine, {"field": "id", "op": "in", "value": ids}]}
        fields = (root.name_field,) if root.name_field else ("id",)
        made, moments = context(), dict(zip(ids, since.values(), strict=True))
        for row in run(Query(name, fields, condition, (Sort("id"),), SHOWN + 1)).rows:
            hint = _("since %(when)s", when=relative(moments[row["id"]], made))
            glyph = root.doc.get("icon", "box")
            url = f"/o/{name}/{row['id']}"
            items.append(Item(label_of(row, root), url, glyph, color_of(name), root.label(language().code), hint, True))
    return [Section(_("Too long in their stage"), items[:SHOWN], len(items) > SHOWN)]
