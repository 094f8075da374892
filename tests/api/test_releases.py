# SPDX-License-Identifier: Apache-2.0
"""What was released of an app, and releasing it again."""

import uuid

import pytest
from place import as_version, with_text


def shown(client, app):
    return client.releases(app.id).ok()["data"]


@pytest.fixture
def app(place):
    return place.pushed_app()


@pytest.fixture
def released(place, client, app):
    """Two releases of one version; gives the answers, oldest first."""
    answers = [client.promote(app.id).ok()]
    place.commit_document(app, with_text(app.document, "second"))
    answers.append(client.promote(app.id).ok())
    return answers


def test_an_app_that_was_never_released(client, app):
    assert client.releases(app.id).ok() == {"data": []}


def test_newest_first(place, client, app, released):
    newest, oldest = shown(client, app)
    assert list(newest) == [
        *("id", "versionId", "versionName", "environmentId", "environment", "documentId"),
        *("previousVersionId", "commit", "operationId", "current", "createdAt"),
    ]
    assert (newest["current"], oldest["current"]) == (True, False)
    for release, answer in ((newest, released[1]), (oldest, released[0])):
        assert release["versionId"] == answer["currentVersionId"]
        assert release["commit"] == answer["commit"]["sha"]
        assert release["operationId"] == answer["operationId"]
        assert (release["versionName"], release["environment"]) == ("v1", "production")
    assert (newest["previousVersionId"], oldest["previousVersionId"]) == (app.version, None)
    assert newest["documentId"] == client.app(app.id).ok()["versions"][0]["documentId"]
    assert client.releases(app.id, limit=1).ok()["data"] == [newest]


def test_releasing_again_what_was(place, client, app, released):
    newest, oldest = shown(client, app)
    head, exchanges = place.repo.head(), len(place.exchanges())
    answer = client.restore(app.id, oldest["id"]).ok()
    assert answer["status"] == "released"
    assert answer["currentVersionId"] == answer["version"]["id"] == app.version
    assert answer["version"]["environment"] == "production"
    assert answer["previousVersionId"] == app.version
    assert answer["restoredFrom"] == {
        "releaseId": oldest["id"],
        "commit": oldest["commit"],
        "documentId": oldest["documentId"],
        "releasedAt": oldest["createdAt"],
    }
    now = shown(client, app)
    assert [release["id"] for release in now[1:]] == [newest["id"], oldest["id"]]
    assert (now[0]["id"], now[0]["current"]) == (answer["releaseId"], True)
    assert now[0]["documentId"] == oldest["documentId"]
    version = client.app(app.id).ok()["versions"][0]
    assert (version["documentId"], version["status"]) == (oldest["documentId"], "PUBLISHED")
    assert (place.repo.head(), len(place.exchanges())) == (head, exchanges)
    row = client.operation(answer["operationId"]).ok()
    assert (row["kind"], row["state"]) == ("release", "done")


def test_repeating_it_is_harmless(place, client, app, released):
    oldest = shown(client, app)[-1]
    client.restore(app.id, oldest["id"]).ok()
    count = len(shown(client, app))
    with place.unchanged():
        answer = client.restore(app.id, oldest["id"]).ok()
    assert answer["status"] == "up_to_date"
    assert len(shown(client, app)) == count
    assert answer["releaseId"] == shown(client, app)[0]["id"]


def test_what_was_replaced_stays_in_the_history(place, client, app, released):
    newest, oldest = shown(client, app)
    before = place.exported(app)
    operation = client.restore(app.id, oldest["id"]).ok()["operationId"]
    assert place.exported(app) != before
    assert client.rollback(app.id, operationId=operation).ok()["status"] == "restored"
    assert place.exported(app) == before


def test_forth_and_back(place, client, app, released):
    newest, oldest = shown(client, app)
    second = place.exported(app)
    client.restore(app.id, oldest["id"]).ok()
    assert client.restore(app.id, newest["id"]).ok()["status"] == "released"
    assert place.exported(app) == second
    assert len(shown(client, app)) == 4


def test_another_version(place, client, app):
    client.promote(app.id).ok()
    place.commit_document(app, as_version(app.document, "v2"))
    second = client.promote(app.id).ok()["currentVersionId"]
    newest, oldest = shown(client, app)
    assert (newest["versionName"], newest["previousVersionId"]) == ("v2", app.version)
    answer = client.restore(app.id, oldest["id"]).ok()
    assert (answer["currentVersionId"], answer["previousVersionId"]) == (app.version, second)
    assert client.app(app.id).ok()["currentVersionId"] == app.version


def test_without_git(place, client, app, released):
    """It needs neither the host nor a configuration."""
    client.delete_git_config(place.id).ok(204)
    oldest = shown(client, app)[-1]
    assert client.restore(app.id, oldest["id"]).ok()["status"] == "released"


def test_a_dry_run(place, client, app, released):
    oldest = shown(client, app)[-1]
    before = shown(client, app)
    with place.unchanged():
        answer = client.restore(app.id, oldest["id"], dryRun="true").ok()
    assert (answer["status"], answer["dryRun"]) == ("released", True)
    assert shown(client, app) == before


def test_what_is_not_there(place, client, app, released):
    other = place.pushed_app("Other")
    nobody = str(uuid.uuid4())
    oldest = shown(client, app)[-1]["id"]
    with place.unchanged():
        client.releases(nobody).refused(400, "app_not_found")
        client.restore(nobody, oldest).refused(400, "app_not_found")
        client.restore(app.id, nobody).refused(404, "not_found")
        client.restore(other.id, oldest).refused(404, "not_found")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", ""])
def test_a_bad_limit(client, app, limit):
    error = client.releases(app.id, limit=limit).refused(400, "invalid_input")
    assert error["message"] == "limit must be a whole number from 1 to 200"

