# SPDX-License-Identifier: Apache-2.0
"""Pushes that wait for their turn have their documents made ready; what goes into git is what is there when the turn comes."""

import copy
import sqlite3
from contextlib import closing

import pytest
from keyed import Background, open_operation, until
from place import with_text


@pytest.fixture
def place(faulty):
    return faulty


def waiting_push(place, app):
    """A push of the app behind another one that the host holds on its way; both, and what is to be let go."""
    first = place.new_app("First")
    held = place.hold_post()
    before = Background(lambda: place.push(first))
    open_operation(place, "pushing")
    push = Background(lambda: place.push(app))
    until(lambda: place.client.operations(appId=app.id, state="queued").ok()["data"])
    return before, push, held


def test_the_document_of_a_push_that_waited(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "made ready"))
    *calls, held = waiting_push(place, app)
    place.let_go(held)
    for call in calls:
        assert call.wait().ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""


def test_an_edit_while_the_push_waits(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "made ready"))
    before, push, held = waiting_push(place, app)
    place.edit(app, with_text(app.document, "newer"))
    place.let_go(held)
    assert before.wait().ok()["status"] == push.wait().ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""


def test_an_app_that_is_deleted_while_its_push_waits(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "made ready"))
    before, push, held = waiting_push(place, app)
    head_before = place.repo.read_file("Orders/v1.json")
    place.client.delete_app(app.id).ok(204)
    place.let_go(held)
    assert before.wait().ok()["status"] == "pushed"
    push.wait().refused(400, "app_not_found")
    assert place.repo.read_file("Orders/v1.json") == head_before


# ---- What was told when the version was saved ---------------------------------------------------


def change_documents(place, assignment):
    """Behind the server's back."""
    with closing(sqlite3.connect(place.daemon.data / "gitsync.db")) as database, database:
        assert database.execute(f"UPDATE documents SET {assignment}").rowcount > 0


def forgotten(place):
    change_documents(place, "summary = NULL")


def made_by_others(place):
    change_documents(place, "summary = '{\"rules\":\"0\"}'")


def kept(place):
    """As a save leaves it."""


WAYS = [kept, forgotten, made_by_others]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_push_is_the_same_whether_its_document_was_summarized(place, way):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "needs {{constants.URL}} and {{secrets.KEY}}"))
    way(place)
    told = place.push(app).ok()
    assert (told["status"], told["warnings"]) == ("pushed", [])
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_secrets_are_seen_whether_the_document_was_summarized(place, way):
    app = place.pushed_app()
    document = copy.deepcopy(app.document)
    document["app"][0]["definition"]["appV2"]["workflowApiToken"] = "hunter2"
    place.edit(app, document)
    way(place)
    error = place.push(app).refused(422, "secret_in_document")
    assert "/app/0/definition/appV2/workflowApiToken" in str(error)
    assert "hunter2" not in str(error)
    assert place.push(app, allowSecrets=True).ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes


@pytest.mark.parametrize("damage", ["zeroblob(length(packed))", "substr(packed, 2)"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_damaged_document_does_not_travel(place, damage, way):
    app = place.pushed_app()
    before = place.repo.head()
    place.edit(app, with_text(app.document, "newer"))
    way(place)
    change_documents(place, f"packed = {damage}")
    place.push(app).refused(500, "store_failed")
    assert place.repo.head() == before


def test_a_dry_run_opens_what_was_summarized(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "newer"))
    plan = place.client.push(app.id, app.version, query={"dryRun": "true"}).ok()
    assert plan["changes"]["modified"]
    assert place.push(app).ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
