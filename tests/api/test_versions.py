# SPDX-License-Identifier: Apache-2.0
"""Versions and their states: drafts take new documents, saved versions take none."""

import json

import pytest
from jsbytes import to_js_bytes
from make_app import app_v2_of, make_app
from place import text_of, unique, with_text

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def shelf(make_place):
    """An organization without git."""
    return make_place(configured=False)


def several_versions(*names):
    return make_app(unique("several"), name="Several", versions=names)


@pytest.mark.parametrize(
    "wanted, status",
    [
        ({"status": "DRAFT"}, "DRAFT"),
        ({"status": "PUBLISHED"}, "PUBLISHED"),
        ({"status": "RELEASED"}, "PUBLISHED"),
        ({"release": "2.30"}, "DRAFT"),
    ],
)
def test_the_state_of_an_import_comes_from_the_document(shelf, wanted, status):
    app = shelf.new_app(**wanted)
    (version,) = shelf.client.versions(app.id).ok()["versions"]
    assert (version["id"], version["status"]) == (app.version, status)
    development = shelf.client.environments(shelf.id).ok()[0]["id"]
    assert version["environmentId"] == development


def test_a_draft_takes_a_new_document(shelf):
    app = shelf.new_app()
    changed = with_text(app.document, "changed")
    answer = shelf.client.put_version(app.id, app.version, changed).ok()
    assert (answer["id"], answer["name"], answer["status"]) == (app.version, "v1", "DRAFT")
    assert shelf.exported(app) == to_js_bytes(changed)
    # What a GET gave may be put back as it is.
    got = shelf.client.version(app.id, app.version).ok()
    assert text_of(got["document"]) == "changed"
    shelf.client.put_version(app.id, app.version, got).ok()
    assert shelf.exported(app) == to_js_bytes(changed)


def test_a_version_follows_the_name_in_its_document(shelf):
    made = shelf.client.import_app(shelf.id, several_versions("v1", "v2")).ok(201)
    second, first = made["versions"]
    document = shelf.client.version(made["id"], first["id"]).ok()["document"]
    app_v2_of(document)["appVersions"][0]["name"] = "v1.1"
    shelf.client.put_version(made["id"], first["id"], document).ok()
    names = {v["id"]: v["name"] for v in shelf.client.versions(made["id"]).ok()["versions"]}
    assert names == {first["id"]: "v1.1", second["id"]: "v2"}
    app_v2_of(document)["appVersions"][0]["name"] = "v2"
    with shelf.unchanged():
        shelf.client.put_version(made["id"], first["id"], document).refused(409, "conflict")


def test_what_a_version_does_not_take(shelf):
    app = shelf.new_app()
    with shelf.unchanged():
        put = shelf.client.put_version
        put(app.id, app.version, {"app": []}).refused(422, "not_an_app")
        put(app.id, app.version, several_versions("v1", "v2")).refused(422, "not_an_app")
        put(app.id, NOWHERE, app.document).refused(404, "unknown_version")
        put(NOWHERE, app.version, app.document).refused(400, "app_not_found")
    shelf.client.version(app.id, NOWHERE).refused(404, "unknown_version")


def test_a_saved_version_takes_no_document(shelf):
    app = shelf.new_app()
    saved = shelf.client.save(app.id).ok(201)
    assert (saved["id"], saved["name"], saved["status"]) == (app.version, "v1", "PUBLISHED")
    changed = json.loads(app.bytes)
    app_v2_of(changed)["appVersions"][0]["status"] = "PUBLISHED"
    assert shelf.exported(app) == to_js_bytes(changed)
    with shelf.unchanged():
        error = shelf.client.save(app.id).refused(409, "already_saved")
        assert error["message"] == "Version is already saved"
        shelf.client.put_version(app.id, app.version, app.document).refused(409, "already_saved")


def test_saving_leaves_a_document_alone_that_has_no_status(shelf):
    app = shelf.new_app(release="2.30")
    assert shelf.client.save(app.id).ok(201)["status"] == "PUBLISHED"
    assert shelf.exported(app) == app.bytes


@pytest.mark.parametrize("name", ["v2", "x" * 25, "größer", "ü" * 25, "v1.9.7-rc_1+(a)", "-"])
def test_saving_may_give_a_name(shelf, name):
    app = shelf.new_app()
    assert shelf.client.save(app.id, name=name).ok(201)["name"] == name
    (entry,) = app_v2_of(json.loads(shelf.exported(app)))["appVersions"]
    assert (entry["name"], entry["status"]) == (name, "PUBLISHED")


@pytest.mark.parametrize("name", ["x" * 26, "ü" * 26, *(f"v{c}1" for c in " \t\n~^:?*[]\\@{/")])
def test_a_name_that_a_tag_cannot_have_is_refused(shelf, name):
    app = shelf.new_app()
    with shelf.unchanged():
        answer = shelf.client.save(app.id, name=name)
        assert answer.json["code"] in ("version_name_invalid", "invalid_name")
        error = answer.refused(400, answer.json["code"])
    assert error["details"][0]["field"] == "/name"


def test_saving_works_on_the_latest_version(shelf):
    made = shelf.client.import_app(shelf.id, several_versions("v1", "v2")).ok(201)
    with shelf.unchanged():
        shelf.client.save(made["id"], name="v1").refused(409, "conflict")
    assert shelf.client.save(made["id"]).ok(201)["name"] == "v2"
    states = [v["status"] for v in shelf.client.versions(made["id"]).ok()["versions"]]
    assert states == ["PUBLISHED", "DRAFT"]
    shelf.client.save(NOWHERE).refused(400, "app_not_found")


def test_a_pull_replaces_a_saved_version_too(place):
    app = place.pushed_app(release="2.30")
    assert place.client.save(app.id).ok(201)["status"] == "PUBLISHED"
    theirs = with_text(app.document, "theirs")
    place.commit_document(app, theirs)
    assert place.client.pull(app.id).ok()["status"] == "updated"
    assert place.exported(app) == to_js_bytes(theirs)


def test_promotion_moves_a_version_and_saves_it(place):
    app = place.pushed_app()
    place.client.promote(app.id).ok()
    (version,) = place.client.versions(app.id).ok()["versions"]
    production = place.client.environments(place.id).ok()[2]["id"]
    assert (version["environmentId"], version["status"]) == (production, "PUBLISHED")
    place.client.save(app.id).refused(409, "already_saved")
    assert place.client.release(app.id, {"versionId": app.version}).ok(201)["version"]["id"]
