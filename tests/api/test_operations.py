# SPDX-License-Identifier: Apache-2.0
"""The record of what was asked for: what it says, how it is listed, and that failures are in it."""

import re

import pytest
from place import with_text

NOWHERE = "00000000-0000-4000-8000-000000000000"
MEMBERS = "id kind state progress phase organizationId appId versionId commit createdAt updatedAt"


@pytest.fixture
def history(place):
    """An app with a push, a failed push, a pull and a promotion, newest last."""
    app = place.pushed_app()
    place.push(app, "Again").ok()
    theirs = with_text(app.document, "theirs")
    place.commit_document(app, theirs)
    place.edit(app, with_text(app.document, "ours", component=1))
    place.push(app).refused(409, "merge_conflict")
    place.client.pull(app.id).ok()
    place.client.promote(app.id).ok()
    return place, app


def listed(place, **query):
    page = place.client.operations(organizationId=place.id, **query).ok()
    return [(item["kind"], item["state"]) for item in page["data"]]


def test_the_newest_is_first(history):
    place, _ = history
    assert listed(place) == [
        ("promote", "done"),
        ("pull", "done"),
        ("push", "failed"),
        ("push", "done"),
        ("push", "done"),
    ]
    page = place.client.operations(organizationId=place.id).ok()
    assert page["nextCursor"] is None
    assert all(item["organizationId"] == place.id for item in page["data"])


def test_an_operation_has_what_the_call_answered(place):
    app = place.new_app()
    answer = place.push(app)
    pushed = answer.ok()
    assert answer.headers["X-Operation-Id"] == pushed["operationId"]
    operation = place.client.operation(pushed["operationId"]).ok()
    assert set(operation) >= set(MEMBERS.split())
    assert (operation["kind"], operation["state"], operation["progress"]) == ("push", "done", 100)
    assert (operation["appId"], operation["versionId"]) == (app.id, app.version)
    assert operation["commit"] == pushed["commit"]["sha"]
    assert operation["result"] == pushed
    assert re.fullmatch(r".*Z", operation["createdAt"])


def test_a_creation_is_recorded_with_its_app(place, make_place):
    app = place.pushed_app()
    other = make_place(place.repo)
    created = other.client.create(other.id, gitAppId=app.id, gitVersionId="main").ok(201)
    (operation,) = other.client.operations(organizationId=other.id).ok()["data"]
    assert (operation["kind"], operation["state"]) == ("create", "done")
    assert (operation["appId"], operation["versionId"]) == (created["id"], created["version"]["id"])
    assert operation["commit"] == place.repo.head()


def test_a_failure_is_recorded_as_it_was_told(place):
    app = place.new_app()
    place.repo.protect("main")
    answer = place.push(app)
    error = answer.refused(409, "push_rejected")
    operation = place.client.operation(answer.headers["X-Operation-Id"]).ok()
    assert operation["state"] == "failed" and "result" not in operation
    told = {name: error[name] for name in ("statusCode", "code", "message", "details")}
    assert operation["error"] == told


def test_a_creation_that_fails_is_recorded(place):
    answer = place.client.create(place.id, gitAppId=NOWHERE, gitVersionId="main")
    answer.refused(404, "not_in_git")
    assert listed(place) == [("create", "failed")]


def test_what_never_began_is_not_recorded(place):
    place.client.create(place.id, gitAppId=NOWHERE).refused(400, "invalid_input")
    place.client.pull(place.new_app().id).refused(400, "app_not_linked")
    place.configure().ok(201)
    assert listed(place) == []


def test_filters(history):
    place, app = history
    other = place.pushed_app("Other")
    assert listed(place, appId=other.id) == [("push", "done")]
    assert len(listed(place, appId=app.id)) == 5
    assert listed(place, state="failed") == [("push", "failed")]
    assert listed(place, state="queued") == []
    assert listed(place, appId=NOWHERE) == []
    only = place.client.operations(appId=other.id).ok()["data"]
    assert [item["organizationId"] for item in only] == [place.id]


def test_pages(history):
    place, _ = history
    everything = place.client.operations(organizationId=place.id).ok()["data"]
    seen, cursor = [], None
    while True:
        query = {"organizationId": place.id, "limit": 2, "cursor": cursor}
        page = place.client.operations(**query).ok()
        assert len(page["data"]) <= 2
        seen += page["data"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == everything and len(seen) == 5


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "x"},
        {"limit": -1},
        {"state": "broken"},
        {"cursor": "x"},
    ],
)
def test_what_a_list_does_not_take(client, query):
    client.operations(**query).refused(400, "invalid_input")


def test_a_deleted_apps_operations_stay(place):
    app = place.pushed_app()
    place.client.delete_app(app.id).ok(204)
    (operation,) = place.client.operations(appId=app.id).ok()["data"]
    assert operation["state"] == "done"
