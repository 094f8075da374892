# SPDX-License-Identifier: Apache-2.0
"""What the server keeps without git: workspaces, apps, their imports and exports."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from jsbytes import to_js_bytes
from make_app import app_v2_of, make_ancient_app, make_app
from place import as_version, new_document, unique

NOWHERE = "00000000-0000-4000-8000-000000000000"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LISTS = "components pages events dataQueries dataSources appVersions dataSourceOptions".split()


@pytest.fixture
def shelf(make_place):
    """An organization without git."""
    return make_place(configured=False)


def several_versions(*names, **wanted):
    return make_app(unique("several"), name="Several", versions=names, **wanted)


# Workspaces


def test_a_workspace_is_made_and_listed(client):
    name = unique("workspace")
    made = client.create_workspace(name).ok(201)
    assert re.fullmatch(r"[0-9a-f-]{36}", made["id"]) and made["name"] == name
    assert re.fullmatch(MOMENT, made["createdAt"])
    assert made in client.workspaces().ok()
    assert client.apps(made["id"]).ok() == []
    client.create_workspace(name).refused(409, "conflict")


def test_a_workspace_has_three_environments(client, shelf):
    environments = client.environments(shelf.id).ok()
    found = [(item["name"], item["priority"]) for item in environments]
    assert found == [("development", 1), ("staging", 2), ("production", 3)]
    assert len({item["id"] for item in environments}) == 3


def test_an_unknown_workspace_is_400(client):
    for answer in (
        client.apps(NOWHERE),
        client.environments(NOWHERE),
        client.import_app(NOWHERE, new_document()),
    ):
        answer.refused(400, "unknown_organization")
    client.export(NOWHERE, NOWHERE).refused(400, "app_not_found")


def test_the_apps_of_a_workspace_are_a_bare_array(shelf):
    first, second = shelf.new_app("First"), shelf.new_app("Second")
    apps = shelf.client.apps(shelf.id).ok()
    assert [app["id"] for app in apps] == [first.id, second.id]
    members = ["id", "name", "slug", "organizationId", "createdAt", "versions"]
    assert list(apps[0]) == members
    assert apps[0]["versions"] == [{"id": first.version, "name": "v1"}]
    assert apps[0]["organizationId"] == shelf.id


# Import and export


@pytest.mark.parametrize(
    "wanted",
    [
        {"release": "2.30"},
        {"release": "3.5", "tooljet_version": False},
        {"release": "3.20", "database": True, "odd_text": True, "unknown": True},
        {"release": "3.21", "pages": 3, "components": 40, "status": "PUBLISHED"},
        {"size": 2_000_000},
    ],
)
def test_an_export_gives_back_what_was_imported_to_the_byte(shelf, wanted):
    app = shelf.new_app("Orders", **wanted)
    assert app.id == app_v2_of(app.document)["id"]
    assert app.version == app_v2_of(app.document)["appVersions"][0]["id"]
    assert shelf.exported(app) == app.bytes
    assert shelf.exported(app, appVersion="v1") == app.bytes
    assert shelf.exported(app, appVersion=app.version) == app.bytes
    assert shelf.exported(app, exportAllVersions="true") == app.bytes
    shelf.client.export(shelf.id, app.id, exportAllVersions="all").refused(400, "invalid_input")
    assert shelf.client.version(app.id, app.version).ok()["document"] == app.document


def test_a_document_is_kept_in_the_form_that_git_has(shelf):
    """However it was sent: members stay in their order, numbers in JavaScript's form."""
    document = new_document("Orders", odd_text=True)
    app_v2_of(document)["zz"] = {
        "b": 1.0,
        "a": [1e21, 1e-7, -0.0, 123456789012345680000],
        "": "\0\b",
    }
    shelf.client.import_app(shelf.id, json.dumps(document).encode()).ok(201)
    wanted = to_js_bytes(document).replace(b'"b": 1.0', b'"b": 1').replace(b"-0.0", b"0")
    exported = shelf.client.export(shelf.id, app_v2_of(document)["id"]).body
    assert exported == wanted


def test_an_import_answers_with_its_ids(shelf):
    document = new_document("Orders")
    made = shelf.client.import_app(shelf.id, document).ok(201)
    assert made["message"] and made["id"] == app_v2_of(document)["id"]
    (version,) = made["versions"]
    assert (version["name"], version["status"]) == ("v1", "DRAFT")


def test_another_name_can_be_given(shelf):
    document = new_document("Orders", database=True)
    app = shelf.import_app(document, appName="Orders & more")
    assert shelf.client.app(app.id).ok()["name"] == "Orders & more"
    renamed = deepcopy(document)
    app_v2_of(renamed)["name"] = "Orders & more"
    assert shelf.exported(app) == to_js_bytes(renamed)


def test_a_name_is_taken_once_per_workspace(shelf, make_place):
    shelf.new_app("Orders")
    shelf.client.import_app(shelf.id, new_document("Orders")).refused(400, "app_exists")
    shelf.client.import_app(shelf.id, new_document(), appName="Orders").refused(400, "app_exists")
    shelf.import_app(new_document("Orders"), appName="orders")
    make_place(configured=False).new_app("Orders")


def test_imports_at_the_same_time(shelf, make_place):
    same, others = new_document("Alike"), [make_place(configured=False) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        documents = [new_document("Orders") for _ in range(8)]
        answers = list(pool.map(lambda it: shelf.client.import_app(shelf.id, it), documents))
        copies = list(pool.map(lambda there: there.import_app(same), others))
    assert sorted(answer.status for answer in answers) == [201] + [400] * 7
    assert len(shelf.client.apps(shelf.id).ok()) == 1
    assert len({copy.id for copy in copies}) == len({copy.version for copy in copies}) == 4


def test_ids_that_are_taken_are_replaced(shelf, make_place):
    other = make_place(configured=False)
    document = new_document("Orders")
    first, second = shelf.import_app(document), other.import_app(document)
    assert first.id != second.id and first.version != second.version
    slugs = [shelf.client.app(app.id).ok()["slug"] for app in (first, second)]
    assert slugs[0] == app_v2_of(document)["slug"] and slugs[0] != slugs[1]
    assert other.exported(second) == first.bytes
    again = shelf.client.import_app(shelf.id, document, appName="Copy").ok(201)
    assert again["id"] not in (first.id, second.id)


def test_a_slug_is_kept_when_it_is_free_and_not_another_apps_id(shelf):
    first, second, third = (new_document(name) for name in ("First", "Second", "Third"))
    app_v2_of(first)["slug"] = unique("repairs")
    app_v2_of(second)["slug"] = app_v2_of(third)["id"]
    slugs = {}
    for document in (first, second, third):
        app = shelf.import_app(document)
        slugs[app.id] = shelf.client.app(app.id).ok()["slug"]
    kept, *own = (app_v2_of(document) for document in (first, second, third))
    assert slugs[kept["id"]] == kept["slug"]
    assert all(slugs[app["id"]] == app["id"] for app in own)


def test_several_versions_are_split(shelf):
    document = several_versions("v1", "v2", "v3", pages=2)
    made = shelf.client.import_app(shelf.id, document).ok(201)
    assert [version["name"] for version in made["versions"]] == ["v3", "v2", "v1"]
    for entry in app_v2_of(document)["appVersions"]:
        exported = shelf.client.export(shelf.id, made["id"], appVersion=entry["name"]).ok(201)
        part = app_v2_of(exported)
        assert part["appVersions"] == [entry] and part["editingVersion"] == entry
        assert {page["appVersionId"] for page in part["pages"]} == {entry["id"]}
        own = {page["id"] for page in part["pages"]}
        assert part["components"] and all(item["pageId"] in own for item in part["components"])
    latest = shelf.client.export(shelf.id, made["id"]).ok(201)
    assert app_v2_of(latest)["appVersions"][0]["name"] == "v3"


def test_all_versions_can_be_exported_together(shelf):
    document = several_versions("v1", "v2", "v3", database=True)
    made = shelf.client.import_app(shelf.id, document).ok(201)
    together = shelf.client.export(shelf.id, made["id"], exportAllVersions="true").ok(201)
    assert together["tooljet_database"] == document["tooljet_database"]
    before, after = app_v2_of(document), app_v2_of(together)
    assert list(before) == list(after)
    for name in LISTS:
        assert {item["id"] for item in before[name]} == {item["id"] for item in after[name]}
    assert [item["name"] for item in after["appVersions"]] == ["v1", "v2", "v3"]
    assert after["editingVersion"]["name"] == "v3"
    again = shelf.client.import_app(shelf.id, together, appName="Again").ok(201)
    assert [version["name"] for version in again["versions"]] == ["v3", "v2", "v1"]


def test_an_ancient_document_can_be_imported(shelf):
    document = make_ancient_app(unique("ancient"), name="Old Hand", versions=("v1", "v2"))
    made = shelf.client.import_app(shelf.id, document).ok(201)
    assert [version["name"] for version in made["versions"]] == ["v2", "v1"]
    part = shelf.client.export(shelf.id, made["id"], appVersion="v1").ok(201)
    assert [entry["name"] for entry in part["appV2"]["appVersions"]] == ["v1"]


def test_exports_of_what_there_is_not(shelf, make_place):
    app, other = shelf.new_app(), make_place(configured=False)
    shelf.client.export(shelf.id, app.id, appVersion="v9").refused(404, "unknown_version")
    other.client.export(other.id, app.id).refused(400, "app_not_found")


# Deleting, and what a restart keeps


def test_a_deleted_app_is_gone_here_and_stays_in_git(place):
    app = place.pushed_app("Orders")
    head = place.repo.head()
    place.client.delete_app(app.id).ok(204)
    place.client.app(app.id).refused(404, "not_found")
    assert place.client.apps(place.id).ok() == []
    assert place.repo.head() == head
    created = place.client.create(place.id, gitAppId=app.id, gitVersionId="main").ok(201)
    assert (created["id"], created["version"]["id"]) == (app.id, app.version)


def test_a_restart_keeps_everything(start_daemon, tmp_path, place_on):
    daemon = start_daemon(tmp_path / "data")
    place = place_on(daemon)
    app = place.pushed_app("Orders", odd_text=True)
    place.client.promote(app.id).ok()
    place.import_app(as_version(new_document("Plain"), "v7"))
    state, operations = place.state(), place.client.operations().ok()
    daemon.restart()
    try:
        assert place.state() == state
        assert place.client.operations().ok() == operations
        assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    finally:
        daemon.stop()
