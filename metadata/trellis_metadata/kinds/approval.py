"""Approvals: who must agree before something counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata import named_people
from trellis_metadata.diagnostics import Diagnostic, Severity, did_you_mean
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.kinds.automation import step_references
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Check, Language

MAY = ("reassign", "send_back", "ask")
ACTIONS = ("on_submit", "on_approve", "on_reject", "on_recall")
"""The lists of steps that are done when something happens to a request."""


@dataclass(frozen=True, slots=True)
class ApprovalDef:
    """An approval. ``steps`` are the entries by name in their order."""

    name: str
    label: Label
    object: str
    when: str | None
    steps: Mapping[str, Document]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the approval was read."""
        return dict(self.document)


class ApprovalKind(Kind):
    """The kind ``approval``."""

    name = "approval"
    folder = "approvals"
    label = {"en": "approval", "zh": "审批"}
    nouns = {"steps": ("step", "步骤")}

    def read(self, document: Document) -> ApprovalDef:
        return ApprovalDef(
            document["name"],
            document.get("label", document["name"]),
            document["object"],
            document.get("when"),
            {step["name"]: step for step in document["steps"]},
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        owner = document["object"]
        yield Reference("/object", "object", owner)
        for pointer, people in people_of(document):
            yield from named_people.references(people, owner, pointer)
        for pointer, name in _fields(document):
            yield Reference(pointer, "object", owner, name)
        for number, step in enumerate(document["steps"]):
            if "queue" in step:
                yield Reference(f"/steps/{number}/queue", "group", step["queue"])
        for key in ACTIONS:
            yield from step_references(document.get(key, ()), f"/{key}")

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        yield from _shape(document)
        yield from _steps(document)
        if not context.relations.has_object(document["object"]):
            return
        for pointer, people in people_of(document):
            yield from named_people.check(people, document["object"], pointer, context)
        for pointer, text in _formulas(document):
            yield from context.formula(text, document["object"], pointer)
        for key in ACTIONS:
            if key in document:
                yield from context.steps(document[key], document["object"], f"/{key}")
        yield from _maybe_nobody(document, context)


def people_of(document: Document) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield every list of people in an approval with its place."""
    if "submitters" in document:
        yield "/submitters", document["submitters"]
    if "writers" in document.get("lock", {}):
        yield "/lock/writers", document["lock"]["writers"]
    for number, step in enumerate(document["steps"]):
        for key in ("approvers", "fallback"):
            if key in step:
                yield f"/steps/{number}/{key}", step[key]
        if "to" in step.get("deadline", {}):
            yield f"/steps/{number}/deadline/to", step["deadline"]["to"]


def _fields(document: Document) -> Iterator[tuple[str, str]]:
    lists = (
        ("/lock/open", document.get("lock", {}).get("open", ())),
        ("/on_change/fields", document.get("on_change", {}).get("fields", ())),
        ("/fields", document.get("fields", ())),
    )
    for at, names in lists:
        yield from ((f"{at}/{index}", name) for index, name in enumerate(names))


def _formulas(document: Document) -> Iterator[tuple[str, str]]:
    if "when" in document:
        yield "/when", document["when"]
    for number, step in enumerate(document["steps"]):
        if "when" in step:
            yield f"/steps/{number}/when", step["when"]


def _shape(document: Document) -> Iterator[Diagnostic]:
    if "message" in document and "when" not in document:
        yield _pointless("/message", "message", "Every record can be submitted: there is no 'when'.")
    if document.get("approvers_see") == "fields" and not document.get("fields"):
        yield Diagnostic(
            "nothing_shown",
            "/approvers_see",
            "Approvers would see nothing: no fields are named.",
            "Name the fields to be shown in 'fields'.",
        )
    if "on_change" in document and "lock" in document and "writers" not in document["lock"]:
        shut = [n for n in document["on_change"]["fields"] if n not in document["lock"].get("open", ())]
        if len(shut) == len(document["on_change"]["fields"]):
            yield _pointless("/on_change", "on_change", "The lock lets nobody change any of its fields.")


def _pointless(at: str, key: str, why: str) -> Diagnostic:
    return Diagnostic("no_effect", at, f"'{key}' has no effect. {why}", f"Remove '{key}'.")


def _steps(document: Document) -> Iterator[Diagnostic]:
    earlier: list[str] = []
    together: list[str] = []
    for number, step in enumerate(document["steps"]):
        at = f"/steps/{number}"
        if not step.get("together"):
            earlier, together = [*earlier, *together], []
        if "approvers" not in step and "queue" not in step:
            yield Diagnostic(
                "no_approvers",
                at,
                "Nobody would be asked: the step names neither approvers nor a queue.",
                "Add 'approvers' or 'queue'.",
            )
        if "queue" in step and "approvers" in step:
            yield Diagnostic(
                "queue_or_approvers",
                f"{at}/queue",
                "A step asks either people or a queue.",
                "Remove one of them, or make two steps that go on together.",
            )
        if "queue" in step:
            for key in ("decide", "fallback", "nobody"):
                if key in step:
                    yield _pointless(f"{at}/{key}", key, "The member of the queue who takes the request decides.")
        if "together" in step and number == 0:
            yield _pointless(f"{at}/together", "together", "There is no step before the first one.")
        if "reject_to" in step and step["reject_to"] not in earlier:
            yield Diagnostic(
                "unknown_step",
                f"{at}/reject_to",
                f"No earlier step is called '{step['reject_to']}'.{did_you_mean(step['reject_to'], earlier)}",
                f"Earlier steps: {', '.join(earlier) or 'none'}.",
            )
        deadline = step.get("deadline", {})
        if "to" in deadline and deadline.get("then") != "escalate":
            yield _pointless(f"{at}/deadline/to", "to", "Nothing is passed on unless 'then' is 'escalate'.")
        together.append(step["name"])


def _maybe_nobody(document: Document, context: Check) -> Iterator[Diagnostic]:
    """Warn of steps that may find nobody: each of their rules depends on what may be blank."""
    separation = document.get("separation", {})
    for number, step in enumerate(document["steps"]):
        if "approvers" not in step or step.get("nobody") == "skip":
            continue
        rules = [*step["approvers"], *step.get("fallback", ())]
        reasons = [_weakness(rule, separation) for rule in rules]
        if all(reasons):
            yield Diagnostic(
                "maybe_nobody",
                f"/steps/{number}/approvers",
                f"The step '{step['name']}' may find nobody to ask: {'; '.join(r for r in reasons if r)}.",
                'Add a rule that always names somebody (a role, a group), a \'fallback\', or "nobody": "skip".',
                severity=Severity.WARNING,
            )


def _weakness(rule: Mapping[str, Any], separation: Mapping[str, Any]) -> str | None:
    """Return why a rule may name nobody, None where it names people by what they belong to."""
    match named_people.way_of(rule) if any(k in rule for k in named_people.WAYS) else "":
        case "manager_of":
            return f"'{rule['manager_of']}' may have no manager {rule.get('levels', 1)} up"
        case "field":
            return f"'{rule['field']}' may be blank" + (
                " or be the submitter's own" if separation.get("submitter", True) else ""
            )
        case "head_of":
            return "the unit may have no head"
        case "formula":
            return "the formula may be blank"
        case "users" if len(rule["users"]) == 1 and (
            separation.get("submitter", True) or separation.get("owner", True)
        ):
            return f"'{rule['users'][0]}' may be the one who submits"
        case "role" | "group" if "within" in rule:
            return "the unit may have nobody of that kind"
        case _:
            return None


KIND = ApprovalKind()
