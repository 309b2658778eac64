"""Translations replace labels where people see them, and nowhere else."""

from pathlib import Path

import pytest

from trellis.model.translations import localised
from trellis.publishing.publisher import InvalidMetadata
from trellis.runtime import Runtime
from trellis_metadata.snapshot import Snapshot

DEAL = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [
        {"name": "name", "type": "text", "label": "Name"},
        {"name": "amount", "type": "currency"},
        {
            "name": "stage",
            "type": "picklist",
            "options": [{"name": "won", "label": {"en": "Won", "zh": "旧"}}, {"name": "lost", "label": "Lost"}],
        },
    ],
}
CHINESE = {
    "kind": "translation",
    "name": "deal_zh",
    "language": "zh",
    "texts": {
        "object.deal.label": "商机",
        "object.deal.fields.name.label": "名称",
        "object.deal.fields.amount.label": "金额",
        "object.deal.fields.stage.options.won.label": "赢单",
    },
}


def test_texts_are_laid_over_labels_of_every_form() -> None:
    shown = localised(Snapshot.of([DEAL, CHINESE])).documents["object", "deal"]
    name, amount, stage = shown["fields"]
    assert shown["label"] == {"en": "Deal", "zh": "商机"}
    assert name["label"] == {"en": "Name", "zh": "名称"}
    assert amount["label"] == {"zh": "金额"}
    assert [o["label"] for o in stage["options"]] == [{"en": "Won", "zh": "赢单"}, "Lost"]


def test_snapshot_without_translations_is_itself() -> None:
    snapshot = Snapshot.of([DEAL])
    assert localised(snapshot) is snapshot


def test_published_translation_is_shown_and_the_document_stays_as_written(tmp_path: Path, database_url: str) -> None:
    runtime = Runtime(tmp_path, database_url=database_url)
    tenant = runtime.create_tenant("acme")
    tenant.publisher.apply(tenant.publisher.plan_documents([DEAL, CHINESE]))
    model = tenant.model()
    assert model.object("deal").label("zh") == "商机"
    assert model.object("deal").label("en") == "Deal"
    assert model.object("deal").fields["name"].label("zh") == "名称"
    assert model.snapshot.documents["object", "deal"]["label"] == "Deal"
    runtime.close()


def test_translation_of_something_that_is_not_there_is_refused(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    tenant = runtime.create_tenant("acme")
    wrong = {**CHINESE, "texts": {"object.deal.fields.amout.label": "金额"}}
    with pytest.raises(InvalidMetadata) as caught:
        tenant.publisher.check([DEAL, wrong])
    assert caught.value.diagnostics[0].code == "unknown_text"
    runtime.close()
