# SPDX-License-Identifier: Apache-2.0
"""Going back to what an app was in a commit or before an operation: a new change, here and in git."""

import json
import uuid

import pytest
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import META, as_version, new_document, text_of, with_text

NOTHING = {"added": [], "modified": [], "deleted": []}


def here(place, app, **query):
    return json.loads(place.exported(app, **query))


def document_id(client, app):
    return client.app(app.id).ok()["versions"][0]["documentId"]


@pytest.fixture
def app(place):
    return place.pushed_app()


@pytest.fixture
def first(place, app):
    """The commit of the first push; a second one has followed."""
    commit = place.repo.head()
    place.edit(app, with_text(app.document, "second"))
    place.push(app, "Second").ok()
    return commit


@pytest.fixture
def pulled(place, client, app):
    """The operation of a pull that replaced the app's document."""
    place.commit_document(app, with_text(app.document, "theirs"))
    return client.pull(app.id).ok()["operationId"]


def test_to_a_commit(place, client, app, first):
    was = here(place, app)
    replaced = document_id(client, app)
    original = place.repo.read_file("Orders/v1.json", first)
    head, exchanges = place.repo.head(), len(place.exchanges())
    answer = client.rollback(app.id, commit=first).ok()
    assert list(answer) == [
        *("status", "appId", "version", "restoredFrom", "replacedDocumentId", "changes"),
        "operationId",
    ]
    assert (answer["status"], answer["appId"]) == ("restored", app.id)
    assert answer["version"] == {"id": app.version, "name": "v1", "status": "DRAFT"}
    assert answer["restoredFrom"] == {
        "commit": first,
        "operationId": None,
        "documentId": document_id(client, app),
    }
    assert answer["replacedDocumentId"] == replaced
    (change,) = answer["changes"]["modified"]
    assert change["id"] == app_v2_of(was)["components"][0]["id"]
    assert place.exported(app) == original
    assert (place.repo.head(), len(place.exchanges())) == (head, exchanges)
    assert client.status(app.id).ok()["state"] == "ahead"


def test_back_and_forth(place, client, app, first):
    """What a rollback replaced can be had back by its operation."""
    second = place.exported(app)
    operation = client.rollback(app.id, commit=first).ok()["operationId"]
    answer = client.rollback(app.id, operationId=operation).ok()
    assert (answer["status"], answer["restoredFrom"]["operationId"]) == ("restored", operation)
    assert place.exported(app) == second
    again = client.rollback(app.id, operationId=answer["operationId"]).ok()
    assert place.exported(app) == place.repo.read_file("Orders/v1.json", first)
    row = client.operation(again["operationId"]).ok()
    assert (row["kind"], row["state"], row["appId"]) == ("rollback", "done", app.id)
    assert row["result"]["restoredFrom"] == again["restoredFrom"]


def test_to_before_a_pull(place, client, app, pulled):
    answer = client.rollback(app.id, operationId=pulled).ok()
    assert answer["restoredFrom"]["operationId"] == pulled
    assert place.exported(app) == app.bytes
    assert client.status(app.id).ok()["state"] == "ahead"


def test_what_is_here_already(place, client, app, first):
    commit = place.repo.head()
    with place.unchanged():
        answer = client.rollback(app.id, commit=commit).ok()
    assert (answer["status"], answer["changes"]) == ("up_to_date", NOTHING)
    assert answer["restoredFrom"]["documentId"] == answer["replacedDocumentId"]


def test_a_saved_version(place, client, app, first):
    client.save(app.id).ok(201)
    answer = client.rollback(app.id, commit=first).ok()
    assert (answer["status"], answer["version"]["status"]) == ("restored", "DRAFT")
    assert place.exported(app) == place.repo.read_file("Orders/v1.json", first)


def test_a_commit_that_the_mirror_lacks(place, client, app, first):
    """Somebody's branch, which was never pulled from."""
    place.repo.set_branch("topic", "main")
    there = with_text(app.document, "topic")
    commit = place.repo.commit_files("topic", {"Orders/v1.json": to_js_bytes(there)}, "Topic")
    place.repo.set_branch("topic-tip", commit)
    assert client.rollback(app.id, commit=commit).ok()["status"] == "restored"
    assert text_of(here(place, app)) == "topic"


def test_a_version_that_is_not_here(place, client, app):
    """The document's version name decides: what the app has not is added."""
    first = place.repo.head()
    client.save(app.id, name="v1-final").ok(201)
    answer = client.rollback(app.id, commit=first).ok()
    assert answer["status"] == "restored"
    assert (answer["version"]["name"], answer["replacedDocumentId"]) == ("v1", None)
    names = [version["name"] for version in client.app(app.id).ok()["versions"]]
    assert names == ["v1", "v1-final"]
    assert place.exported(app, appVersion="v1") == place.repo.read_file("Orders/v1.json", first)


def test_while_the_host_is_down(frail_place, host):
    place, client = frail_place, frail_place.client
    app = place.pushed_app()
    first = place.repo.head()
    place.edit(app, with_text(app.document, "second"))
    host.fault("respond", match=place.repo.name, status=503)
    with place.unchanged():
        assert client.rollback(app.id, commit=first, push=True).status in (502, 503)
        assert client.rollback(app.id, commit="1" * 40).status in (502, 503)
    assert client.rollback(app.id, commit=first).ok()["status"] == "restored"


# With a push


def test_with_a_push(place, client, app, first):
    original = place.repo.read_file("Orders/v1.json", first)
    exchanges = len(place.exchanges())
    answer = client.rollback(app.id, commit=first, push=True).ok()
    assert place.exchanges()[exchanges:] == [("POST", "git-receive-pack", 200)]
    push = answer["push"]
    assert (answer["status"], push["status"]) == ("restored", "pushed")
    assert push["commit"]["sha"] == place.repo.head()
    assert push["commit"]["message"] == f"Roll Orders v1 back to commit {first[:12]}"
    assert push["files"]["modified"] == [META, "Orders/v1.json"]
    assert place.repo.read_file("Orders/v1.json") == original
    assert place.exported(app) == original
    assert len(place.repo.log()) == 4
    status = client.status(app.id).ok()
    assert (status["state"], status["lastSynced"]["commit"]) == ("in_sync", place.repo.head())
    row = client.operation(answer["operationId"]).ok()
    assert (row["kind"], row["state"], row["commit"]) == ("rollback", "done", place.repo.head())


def test_a_message_of_ones_own(place, client, app, pulled):
    message = "Back to Monday\n\nit was better"
    answer = client.rollback(app.id, operationId=pulled, push=True, commitMessage=message).ok()
    assert answer["push"]["commit"]["message"] == message
    assert place.repo.log()[0].message.strip() == message
    assert place.meta()[app.id]["lastCommitMessage"] == message


def test_the_message_names_the_operation(place, client, app, pulled):
    answer = client.rollback(app.id, operationId=pulled, push=True).ok()
    message = answer["push"]["commit"]["message"]
    assert message == f"Roll Orders v1 back to before operation {pulled}"


def test_what_a_pushed_rollback_replaced_can_be_had_back(place, client, app, first):
    second = place.exported(app)
    operation = client.rollback(app.id, commit=first, push=True).ok()["operationId"]
    client.rollback(app.id, operationId=operation, push=True).ok()
    assert place.exported(app) == place.repo.read_file("Orders/v1.json") == second


def test_a_push_of_what_git_has_already(place, client, app, first):
    place.edit(app, with_text(app.document, "third"))
    head = place.repo.head()
    answer = client.rollback(app.id, commit=head, push=True).ok()
    assert (answer["status"], answer["push"]["status"]) == ("restored", "up_to_date")
    assert "commit" not in answer["push"]
    assert place.repo.head() == head
    assert client.status(app.id).ok()["state"] == "in_sync"


def test_a_push_of_what_is_here_already(place, client, app, first):
    client.rollback(app.id, commit=first).ok()
    answer = client.rollback(app.id, commit=first, push=True).ok()
    assert (answer["status"], answer["push"]["status"]) == ("up_to_date", "pushed")
    assert client.status(app.id).ok()["state"] == "in_sync"


def test_a_pushed_version_that_is_not_here(place, client, app):
    first = place.repo.head()
    client.save(app.id, name="v1-final").ok(201)
    place.push(app).ok()
    answer = client.rollback(app.id, commit=first, push=True).ok()
    assert (answer["version"]["name"], answer["push"]["versionName"]) == ("v1", "v1")
    versions = client.app(app.id).ok()["versions"]
    assert [version["name"] for version in versions] == ["v1", "v1-final"]
    assert versions[0]["id"] == answer["version"]["id"] == answer["push"]["versionId"]
    assert place.meta()[app.id]["gitVersionName"] == "v1"
    assert client.status(app.id).ok()["state"] == "in_sync"


def test_a_push_of_what_the_layout_writes_otherwise(make_place):
    """The document from before the first push is not the one that git gives back; the version takes git's form."""
    place = make_place(layout="per-entity")
    document = new_document("Orders")
    app_v2_of(document)["components"].reverse()
    app = place.import_app(document)
    first = place.push(app).ok()
    in_git = place.exported(app)
    assert json.loads(in_git) != document
    answer = place.client.rollback(app.id, operationId=first["operationId"], push=True).ok()
    assert answer["push"]["status"] == "up_to_date"
    assert place.exported(app) == in_git
    place.client.rename(app.id, "Renamed").ok()
    answer = place.client.rollback(app.id, commit=first["commit"]["sha"], push=True).ok()
    assert answer["push"]["gitAppName"] == "Renamed"
    assert document_id(place.client, app) == answer["push"]["documentId"]
    assert place.client.status(app.id).ok()["state"] == "in_sync"
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


def test_a_change_in_git_is_not_overwritten_unseen(place, client, app, first):
    place.commit_document(app, with_text(app.document, "theirs"))
    with place.unchanged():
        client.rollback(app.id, commit=first, push=True).refused(409, "merge_conflict")
    answer = client.rollback(app.id, commit=first, push=True, onConflict="ours").ok()
    assert answer["push"]["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == place.repo.read_file("Orders/v1.json", first)


def test_an_app_that_was_never_pushed(place, client):
    """Before an operation needs no link; its push makes one."""
    app = place.pushed_app("Linked")
    place.commit_document(app, with_text(app.document, "theirs"))
    operation = client.pull(app.id).ok()["operationId"]
    other = place.new_app("Fresh")
    client.rollback(other.id, commit=place.repo.head()).refused(400, "app_not_linked")
    client.rollback(other.id, operationId=operation).refused(404, "not_found")


# Dry runs


@pytest.mark.parametrize("push", [False, True])
def test_a_dry_run(place, client, app, first, push):
    with place.unchanged():
        operations = client.operations(appId=app.id).ok()
        answer = client.rollback(app.id, commit=first, push=push, query={"dryRun": "true"}).ok()
        assert client.operations(appId=app.id).ok() == operations
    assert answer["dryRun"] is True and len(answer["planHash"]) == 64
    assert (answer["status"], "operationId" in answer) == ("restored", False)
    (change,) = answer["changes"]["modified"]
    assert change["before"] != change["after"]
    assert ("push" in answer) == push
    if push:
        assert answer["push"]["files"]["modified"] == [META, "Orders/v1.json"]
        assert "commit" not in answer["push"]


def test_a_plan_that_no_longer_holds(place, client, app, first):
    plan = client.rollback(app.id, commit=first, query={"dryRun": "true"}).ok()["planHash"]
    path, headers = f"/api/ext/apps/{app.id}/rollback", {"If-Match": f'"{plan}"'}
    place.edit(app, with_text(app.document, "third"))
    with place.unchanged():
        answer = client.send("POST", path, {"commit": first}, headers=headers)
        assert (answer.status, answer.json["code"]) == (412, "plan_changed")
    plan = client.rollback(app.id, commit=first, query={"dryRun": "true"}).ok()["planHash"]
    headers = {"If-Match": f'"{plan}"'}
    client.send("POST", path, {"commit": first}, headers=headers).ok()


# Refusals


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"commit": "1" * 40, "operationId": str(uuid.uuid4())},
        {"commit": "main"},
        {"commit": "1" * 39},
        {"commit": "g" * 40},
        {"commit": ""},
        {"commit": 7},
        {"operationId": "one"},
        {"commit": "1" * 40, "push": "yes"},
        {"commit": "1" * 40, "push": True, "commitMessage": ""},
        {"commit": "1" * 40, "push": True, "commitMessage": "x" * 65537},
        {"commit": "1" * 40, "push": True, "commitMessage": "a\0b"},
        {"commit": "1" * 40, "onConflict": "merge"},
    ],
)
def test_bad_bodies(place, client, app, members):
    with place.unchanged():
        client.rollback(app.id, **members).refused(400, "invalid_input")


def test_what_is_not_there(place, client, app, first):
    nobody, nowhere = str(uuid.uuid4()), "1" * 40
    with place.unchanged():
        for push in (False, True):
            client.rollback(nobody, commit=first, push=push).refused(400, "app_not_found")
            client.rollback(app.id, operationId=nobody, push=push).refused(404, "not_found")
            client.rollback(app.id, commit=nowhere, push=push).refused(404, "not_found")
            client.rollback(app.id, commit="0" * 40, push=push).refused(404, "not_found")


def test_commits_without_the_app(place, client, app, first):
    before = place.repo.text("rev-parse", f"{first}~1").strip()
    gone = place.repo.commit_files("main", {"Orders/v1.json": None}, "Away")
    broken = place.repo.commit_files("main", {"Orders/v1.json": "{]"}, "Broken")
    client.status(app.id, refresh="true")
    with place.unchanged():
        client.rollback(app.id, commit=before).refused(422, "commit_without_app")
        client.rollback(app.id, commit=gone).refused(422, "commit_without_app")
        client.rollback(app.id, commit=broken).refused(422, "not_an_app")
        client.rollback(app.id, commit=before, push=True).refused(422, "commit_without_app")


def test_an_operation_that_replaced_nothing(place, client, app):
    answer = place.push(app, "Again").ok()
    client.rollback(app.id, operationId=answer["operationId"]).refused(404, "not_found")


def test_as_another_version_of_the_past(place, client, app):
    """A commit of v1 is restored into v1, whatever is the latest."""
    first = place.repo.head()
    second = as_version(app.document, "v2")
    place.commit_document(app, second)
    client.pull(app.id).ok()
    place.edit(app, with_text(app.document, "edited"))
    answer = client.rollback(app.id, commit=first).ok()
    assert (answer["version"]["id"], answer["status"]) == (app.version, "restored")
    assert place.exported(app, appVersion="v2") == to_js_bytes(second)
