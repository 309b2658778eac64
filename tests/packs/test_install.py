"""Installing a pack in a tenant, on both databases."""

from __future__ import annotations

from trellis.packs import install
from trellis.tenant import Tenant


def test_install_makes_the_objects_usable(tenant: Tenant) -> None:
    install(tenant, "crm")
    assert {"account", "deal", "lead"} <= set(tenant.model().object_names)


def test_install_is_noted_in_the_log(tenant: Tenant) -> None:
    number = install(tenant, "crm")
    newest = tenant.publisher.log(1)[0]
    assert (newest["number"], newest["note"]) == (number, "pack crm")


def test_second_install_changes_nothing(tenant: Tenant) -> None:
    first = install(tenant, "crm")
    assert install(tenant, "crm") == first


def test_undo_of_the_install_gives_the_metadata_of_before(tenant: Tenant) -> None:
    before = tenant.model().snapshot.hash
    install(tenant, "crm")
    tenant.publisher.undo(confirm=tenant.publisher.plan_undo().hash)
    assert tenant.model().snapshot.hash == before


def test_install_after_an_undo_gives_the_same_metadata(tenant: Tenant) -> None:
    install(tenant, "crm")
    installed = tenant.model().snapshot.hash
    tenant.publisher.undo(confirm=tenant.publisher.plan_undo().hash)
    install(tenant, "crm")
    assert tenant.model().snapshot.hash == installed
