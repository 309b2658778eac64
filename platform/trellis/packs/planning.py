"""Plans: what installing, upgrading or removing a pack would do to a tenant. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.packs.migrations import left as migrations_left
from trellis.packs.migrations import problems_of
from trellis.packs.pack_plan import PackPlan
from trellis.packs.ranges import accepts, parse_version
from trellis.packs.source import NOTHING, Content, PackSource, refuse_misshapen
from trellis.packs.state import Installed, all_installed, find_document, full, installed, installed_names
from trellis.publishing.planning import plan_change
from trellis.publishing.publisher import InvalidMetadata
from trellis.storage.tables.packs import pack_choice
from trellis_metadata.addresses import ABSENT, find
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge import Address, Choices, Side, merge, prune
from trellis_metadata.merge.overlay import Overlay
from trellis_metadata.merge.pruning import errors_in
from trellis_metadata.snapshot import Document, Key, Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class MissingPack(TrellisError):
    """A pack that this one requires is not installed, or in a version that does not fit."""

    code = "missing_pack"


class PackConflict(TrellisError):
    """Two packs cannot stand beside each other, or a name that the pack brings is taken."""

    code = "pack_conflict"


class StillRequired(TrellisError):
    """Another pack requires the one that is to go, or does not accept its new version."""

    code = "pack_still_required"


class OlderVersion(TrellisError):
    """A newer version of the pack is installed."""

    code = "older_pack_version"


def plan_install(
    tenant: Tenant,
    source: PackSource,
    *,
    options: Mapping[str, Any] | None = None,
    slices: Sequence[str] | None = None,
    choices: Choices | None = None,
    keep_data: bool = True,
) -> PackPlan:
    """Plan to install a pack, or to bring an installed one to the version of ``source``.

    ``options`` and ``slices`` that are not given stay as they are installed, or are as the pack recommends. ``choices``
    answers conflicts; answers that were given before count too. ``keep_data``: records of an earlier installation come
    back. Raises :class:`MissingPack`, :class:`PackConflict`, :class:`StillRequired`, :class:`OlderVersion`,
    :class:`BadOption`, or :class:`InvalidMetadata` when the pack itself is broken.
    """
    refuse_misshapen(source)
    current = tenant.model().snapshot
    old = _installed(tenant, source, current)
    _check_packs(source.document, current, old)
    record = dict(old.record) if old else {}
    parts = source.slices(slices if slices is not None else _parts(source, old))
    known = {o["name"] for o in source.document.get("options", ())}
    answers = {**{k: v for k, v in record.get("options", {}).items() if k in known}, **(options or {})}
    content = source.content(answers, parts)
    # Merging takes documents apart by their structure, so they must have one.
    broken = [*tenant.language.shape(list(content.own)), *_shape_of_parts(tenant, content)]
    if broken := [*broken, *(d for m in source.migrations for d in problems_of(m))]:
        raise InvalidMetadata(broken)
    base = old.content if old else NOTHING
    if old is not None and base.extensions.documents and old.prefix != source.prefix:
        raise PackConflict(
            f"Pack '{source.name}' {source.version} has the prefix '{source.prefix}', but what it added to others begins with "
            f"'{old.prefix}_'. A pack keeps its prefix; ask its vendor."
        )
    _check_names(tenant, content, base, current, source)
    began = _began(tenant, source, content, base, current, record)
    written = {"pristine": content.pristine, "options": answers, "slices": parts, "began": began}
    written["granted"] = sorted(source.document.get("permissions", ()))
    kept = "slices" if source.document.get("slices") else ""
    document = {**source.document, "installed": {k: v for k, v in written.items() if v or k == kept}}
    theirs = full(tenant, content, source.prefix, current, base)
    if old is None:
        _refuse_broken(tenant, current, theirs)
    merged = merge(
        full(tenant, base, old.prefix if old else source.prefix, current),
        theirs,
        current.without([("pack", source.name)]).with_documents([document]),
        tenant.language,
        {**_remembered(tenant, source.name), **(choices or {})},
    )
    if merged.problems:
        raise InvalidMetadata(list(merged.problems))
    revive = keep_data and old is None
    made = plan_change(tenant, merged.snapshot, revive=revive)
    return PackPlan(
        _action(old, source, made.plan.operations),
        document,
        old.version if old else None,
        made,
        merged,
        content,
        _pending(source, old, *(migrations_left(tenant, source.name) if revive else (None, set()))),
        merged.removed,
        sorted(set(source.document.get("permissions", ())) - set(record.get("granted", ()))),
        signer=source.signer,
    )


def plan_uninstall(tenant: Tenant, name: str) -> PackPlan:
    """Plan to remove a pack: its documents, what it added to others, and what cannot be without them.

    Raises :class:`NotInstalled` or :class:`StillRequired`.
    """
    current = tenant.model().snapshot
    pack = installed(tenant, name, current)
    users = [n for n, d in current.of_kind("pack").items() if any(r["name"] == name for r in d.get("requires", ()))]
    if users:
        raise StillRequired(f"Pack '{name}' is required by {', '.join(users)}. Remove that first.")
    left, gone = without(tenant, current, pack)
    made = plan_change(tenant, left)
    return PackPlan("uninstall", pack.document, pack.version, made, removed=gone)


def without(tenant: Tenant, snapshot: Snapshot, pack: Installed) -> tuple[Snapshot, list[Address]]:
    """Return the metadata without a pack, and what else had to go because it used it."""
    overlay, left = Overlay(pack.prefix), snapshot
    for key, part in pack.content.extensions.documents.items():
        document = find_document(left, key)
        if document is not None:
            began = pack.began.get(key, ())
            left = left.with_documents([overlay.take(document, part, tenant.language.structure(key[0]), began)])
    own = [find_document(left, key) for key in pack.content.own.documents]
    left = left.without([("pack", pack.name), *((d["kind"], d["name"]) for d in own if d is not None)])
    return prune(tenant.language, left)


def _refuse_broken(tenant: Tenant, current: Snapshot, theirs: Snapshot) -> None:
    """Refuse a new pack that is not valid by itself; at an upgrade the merge tells what does not fit."""
    known = {(d.document, d.code, d.message) for d in errors_in(tenant.language, current)}
    found = errors_in(tenant.language, current.with_documents(theirs))
    if errors := [d for d in found if (d.document, d.code, d.message) not in known]:
        raise InvalidMetadata(errors)


def _shape_of_parts(tenant: Tenant, content: Content) -> list[Diagnostic]:
    """Return what is wrong with the shape of parts of documents; such a part need not hold what it does not add."""
    found = tenant.language.shape(list(content.extensions))
    return [d for d in found if d.code != "missing_key" or d.message.startswith("'name'")]


def _installed(tenant: Tenant, source: PackSource, current: Snapshot) -> Installed | None:
    document = current.get("pack", source.name)
    if document is None:
        return None
    if "installed" not in document and document["version"] == source.version:
        # Its documents were published by hand, as a folder: they count as delivered in this version.
        return Installed(document, source.content({}, source.slices(None)))
    found = installed(tenant, source.name, current)
    if parse_version(found.version) > parse_version(source.version):
        raise OlderVersion(
            f"Pack '{source.name}' is installed in version {found.version}, which is newer than {source.version}. "
            "Undo the upgrade to go back."
        )
    return found


def _parts(source: PackSource, old: Installed | None) -> list[str] | None:
    """Return the parts that an upgrade keeps: those installed, and new ones that are recommended. None: as recommended."""
    if old is None or "installed" not in old.document:
        return None
    known = {s["name"] for s in old.document.get("slices", ())}
    have = set(old.record.get("slices", ()))
    declared = source.document.get("slices", ())
    return [s["name"] for s in declared if (s["name"] in have if s["name"] in known else s.get("default", True))]


def _action(old: Installed | None, source: PackSource, operations: Sequence[Any]) -> str:
    if old is None:
        return "install"
    if not operations:
        return "nothing"
    return "upgrade" if old.version != source.version else "change"


def _check_packs(document: Document, current: Snapshot, old: Installed | None) -> None:
    name, version, have = document["name"], document["version"], installed_names(current)
    for needed in document.get("requires", ()):
        found = have.get(needed["name"])
        if found is None:
            raise MissingPack(f"Pack '{name}' requires pack '{needed['name']}'. Install that one first.")
        if not accepts(needed.get("version"), found):
            raise MissingPack(
                f"Pack '{name}' requires pack '{needed['name']}' {needed['version']}; version {found} is installed."
            )
    for other, installed_document in current.of_kind("pack").items():
        if other == name:
            continue
        _refuse_conflict(document, other, have[other])
        _refuse_conflict(installed_document, name, version)
        for needed in installed_document.get("requires", ()):
            if needed["name"] == name and not accepts(needed.get("version"), version):
                raise StillRequired(f"Pack '{other}' accepts '{name}' {needed['version']} only, not version {version}.")


def _refuse_conflict(document: Document, other: str, version: str) -> None:
    for entry in document.get("conflicts", ()):
        if entry["name"] == other and accepts(entry.get("version"), version):
            raise PackConflict(f"Packs '{document['name']}' and '{other}' {version} cannot be installed together.")


def _check_names(tenant: Tenant, content: Content, base: Content, current: Snapshot, source: PackSource) -> None:
    owners = {key: p.name for p in all_installed(tenant, current) for key in p.content.own.documents}
    for key in content.own.documents:
        if key in base.own.documents or current.documents.get(key) is None:
            continue
        if key in base.extensions.documents or owners.get(key) == source.name:
            continue
        owner = owners.get(key)
        whose = f"pack '{owner}'" if owner else "this organisation"
        raise PackConflict(
            f"Pack '{source.name}' brings {key[0]} '{key[1]}', a name that {whose} has given already. "
            + ("The packs do not fit together." if owner else "Rename yours first.")
        )
    for key, owner in content.owners.items():
        if find_document(current, key) is None and key not in base.extensions.documents:
            raise PackConflict(f"Pack '{source.name}' adds to {key[0]} '{key[1]}' of '{owner}', which is not there.")


def _began(
    tenant: Tenant, source: PackSource, content: Content, base: Content, current: Snapshot, record: Mapping[str, Any]
) -> list[str]:
    found = set(record.get("began", ()))
    for key, part in content.extensions.documents.items():
        document = find_document(current, key)
        if document is not None:
            overlay = Overlay(source.prefix)
            overlay.put(document, part, tenant.language.structure(key[0]))
            found |= {"/".join((*key, *path)) for path in overlay.began}
    # A list that another pack began goes with the last pack that has something in it.
    for other in (d for n, d in current.of_kind("pack").items() if n != source.name):
        for text in other.get("installed", {}).get("began", ()):
            kind, name, *path = text.split("/")
            if find(content.extensions.get(kind, name) or {}, tuple(path)) not in (None, ABSENT):
                found.add(text)
    return sorted(found)


def _pending(
    source: PackSource, old: Installed | None, left: str | None, refused: Collection[str]
) -> list[Mapping[str, Any]]:
    """Return the data migrations from the installed version to the new one, oldest first.

    Records that come back are as version ``left`` left them, with the migrations ``refused`` not done.
    """
    version = old.version if old else left
    if version is None:
        return []
    since, to = parse_version(version), parse_version(source.version)
    of = {str(m["version"]): parse_version(str(m["version"])) for m in source.migrations}
    found = [m for m in source.migrations if since < of[m["version"]] <= to or m["version"] in refused]
    return sorted(found, key=lambda m: parse_version(str(m["version"])))


def _remembered(tenant: Tenant, name: str) -> dict[str, Side]:
    query = sa.select(pack_choice.c.key, pack_choice.c.choice).where(pack_choice.c.pack == name)
    with tenant.database.reading() as connection:
        return {key: Side(choice) for key, choice in connection.execute(query).all()}


def with_cases(plan: PackPlan, reports: Sequence[Mapping[str, Any]]) -> PackPlan:
    """Return the plan with what its cases came to."""
    return replace(plan, cases=tuple(reports))


__all__ = ["Key", "plan_install", "plan_uninstall", "with_cases", "without"]
