"""What the kinds of documents are called on pages, in the plural."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _


def kind_words() -> Mapping[str, str]:
    """Return the heading of each kind; a kind that is missing here stands under its own name."""
    return {
        "app": _("Apps"),
        "approval": _("Approvals"),
        "automation": _("Automations"),
        "calendar": _("Calendars"),
        "connection": _("Connections"),
        "decision_table": _("Decision tables"),
        "group": _("Groups"),
        "layout": _("Page layouts"),
        "list_view": _("List views"),
        "object": _("Objects"),
        "org_unit_tree": _("Trees of units"),
        "pack": _("Packs"),
        "permission_set": _("Permission sets"),
        "picklist": _("Picklists"),
        "pipeline": _("Pipelines"),
        "restriction_rule": _("Restriction rules"),
        "role": _("Roles"),
        "script": _("Scripts"),
        "sharing_rule": _("Sharing rules"),
        "template": _("Templates"),
        "translation": _("Translations"),
        "webhook": _("Webhooks"),
    }
