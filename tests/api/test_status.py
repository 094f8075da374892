# SPDX-License-Identifier: Apache-2.0
"""How apps stand to git: told from the mirror, or after asking the host."""

import json
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from client import path_of
from keyed import until
from make_app import app_v2_of
from place import META, as_version, with_text

EMPTY = {"added": [], "modified": [], "deleted": []}
NO_CHANGES = {"local": EMPTY, "remote": EMPTY}


def fresh(place, app):
    return place.client.status(app.id, refresh="true").ok()


def changed(document, component):
    """What a change of one component's text is told as."""
    entity = app_v2_of(document)["components"][component]
    entry = {"change": "modified", "type": "component", "id": entity["id"], "name": entity["name"]}
    return EMPTY | {"modified": [entry | {"members": ["properties"]}]}


def test_an_app_that_was_never_pushed(place, client):
    app = place.new_app("Orders")
    with place.unchanged():
        answer = client.status(app.id).ok()
    version = client.app(app.id).ok()["versions"][0]
    assert answer == {
        "state": "not_linked",
        "appId": app.id,
        "name": "Orders",
        "gitAppId": None,
        "branch": "main",
        "local": {
            "versionId": app.version,
            "versionName": "v1",
            "documentId": version["documentId"],
        },
        "lastSynced": None,
        "remote": None,
        "changes": NO_CHANGES,
    }


def test_without_a_git_configuration(make_place, client):
    place = make_place(configured=False)
    app = place.new_app()
    for query in ({}, {"refresh": "true"}):
        answer = client.status(app.id, **query).ok()
        assert (answer["state"], answer["branch"]) == ("not_linked", None)
        assert [entry["state"] for entry in client.statuses(place.id, **query).ok()["data"]] == [
            "not_linked"
        ]


def test_in_sync(place, client):
    app = place.new_app()
    pushed = place.push(app).ok()
    answer = client.status(app.id).ok()
    assert (answer["state"], answer["gitAppId"]) == ("in_sync", app.id)
    assert answer["lastSynced"]["commit"] == pushed["commit"]["sha"]
    assert answer["lastSynced"]["at"]
    assert answer["remote"] == {
        "commit": pushed["commit"]["sha"],
        "name": "Orders",
        "versionName": "v1",
        "documentId": answer["local"]["documentId"],
    }
    assert answer["changes"] == NO_CHANGES
    assert "conflicts" not in answer
    assert client.status(app.id, refresh="true").ok() == answer


def test_a_look_costs_no_exchange_and_a_refresh_one(place, client):
    app = place.pushed_app()
    before = len(place.exchanges())
    client.status(app.id).ok()
    client.statuses(place.id).ok()
    assert len(place.exchanges()) == before
    client.status(app.id, refresh="true").ok()
    assert place.exchanges()[before:] == [("GET", "git-upload-pack", 200)]


def test_ahead(place, client):
    app = place.pushed_app()
    document = app.document
    place.edit(app, with_text(document, "here"))
    answer = client.status(app.id).ok()
    assert answer["state"] == "ahead"
    assert answer["changes"] == {"local": changed(document, 0), "remote": EMPTY}
    place.push(app).ok()
    assert client.status(app.id).ok()["state"] == "in_sync"


def test_behind_once_the_host_was_asked(place, client):
    app = place.pushed_app()
    commit = place.commit_document(app, with_text(app.document, "there"))
    assert client.status(app.id).ok()["state"] == "in_sync"
    answer = fresh(place, app)
    assert answer["state"] == "behind"
    assert answer["remote"]["commit"] == commit
    assert answer["changes"] == {"local": EMPTY, "remote": changed(app.document, 0)}
    assert client.status(app.id).ok() == answer
    client.pull(app.id).ok()
    assert client.status(app.id).ok()["state"] == "in_sync"


def test_diverged(place, client):
    app = place.pushed_app()
    document = app.document
    place.edit(app, with_text(document, "here", component=0))
    place.commit_document(app, with_text(document, "there", component=1))
    answer = fresh(place, app)
    assert answer["state"] == "diverged"
    assert answer["changes"] == {"local": changed(document, 0), "remote": changed(document, 1)}
    assert client.pull(app.id).ok()["status"] == "merged"
    assert client.status(app.id).ok()["state"] == "ahead"


def test_conflicted(place, client):
    app = place.pushed_app()
    document = app.document
    place.edit(app, with_text(document, "here"))
    place.commit_document(app, with_text(document, "there"))
    with place.unchanged():
        answer = fresh(place, app)
    assert answer["state"] == "conflicted"
    (conflict,) = answer["conflicts"]
    assert conflict["id"] == app_v2_of(document)["components"][0]["id"]
    assert (conflict["ours"], conflict["theirs"]) == ("here", "there")
    assert client.pull(app.id).refused(409, "merge_conflict")["details"] == answer["conflicts"]


def test_both_sides_with_the_same_change_are_in_sync(place, client):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "the same"))
    place.commit_document(app, app.document)
    assert fresh(place, app)["state"] == "in_sync"


def test_a_version_that_only_git_has(place, client):
    app = place.pushed_app()
    place.commit_document(app, as_version(app.document, "v2"))
    answer = fresh(place, app)
    assert (answer["state"], answer["remote"]["versionName"]) == ("behind", "v2")
    assert answer["changes"]["remote"] != EMPTY
    place.edit(app, with_text(app.document, "here"))
    assert client.status(app.id).ok()["state"] == "diverged"


def test_a_version_that_only_we_have(make_place, client):
    """Git was set back to v1 after v2 was pulled."""
    place = make_place()
    app = place.pushed_app()
    second = as_version(app.document, "v2")
    place.commit_document(app, second)
    client.pull(app.id).ok()
    assert client.status(app.id).ok()["state"] == "in_sync"
    place.commit_document(app, app.document)
    answer = fresh(place, app)
    assert (answer["state"], answer["local"]["versionName"]) == ("ahead", "v2")


def test_a_branch_that_was_set_back(place, client):
    app = place.pushed_app()
    first = place.repo.head()
    place.edit(app, with_text(app.document, "here"))
    place.push(app).ok()
    place.repo.set_branch("main", first)
    assert client.status(app.id).ok()["state"] == "in_sync"
    answer = fresh(place, app)
    assert (answer["state"], answer["remote"]["commit"]) == ("behind", first)
    assert client.status(app.id).ok() == answer


def test_a_new_name_in_git(place, client):
    app = place.pushed_app("Orders")
    place.commit_document(app, as_version(app.document, "v1", app_name="Sales"))
    assert fresh(place, app)["state"] == "behind"
    assert client.pull(app.id).ok()
    assert client.status(app.id).ok()["name"] == "Sales"


def test_a_version_that_was_saved_under_another_name(place, client):
    """It is still the one that git has: nothing comes back, and nothing is in the way of its push."""
    app = place.pushed_app()
    client.save(app.id, name="v1-final").ok(201)
    answer = client.status(app.id).ok()
    assert (answer["state"], answer["local"]["versionName"]) == ("ahead", "v1-final")
    assert client.pull(app.id).ok()["status"] == "up_to_date"
    assert [version["name"] for version in client.app(app.id).ok()["versions"]] == ["v1-final"]
    assert place.push(app).ok()["files"]["deleted"] == ["Orders/v1.json"]
    assert client.status(app.id).ok()["state"] == "in_sync"


def test_an_app_that_git_has_lost(place, client):
    app = place.pushed_app()
    meta = place.meta()
    del meta[app.id]
    place.repo.commit_files("main", {META: json.dumps(meta), "Orders/v1.json": None}, "Away")
    answer = fresh(place, app)
    assert answer["state"] == "ahead"
    assert answer["remote"]["documentId"] is None
    assert answer["changes"]["local"]["added"] == [
        {"type": "version", "id": app.version, "name": "v1"}
    ]


def test_a_created_app_is_in_sync(place, make_place, client):
    app = place.pushed_app()
    staging = make_place(place.repo)
    made = client.create(staging.id, gitAppId=app.id, gitVersionId="main").ok(201)
    answer = client.status(made["id"]).ok()
    assert (answer["state"], answer["gitAppId"]) == ("in_sync", app.id)


def test_a_mirror_that_is_gone_is_made_again(start_daemon, tmp_path, place_on):
    daemon = start_daemon(tmp_path)
    try:
        place = place_on(daemon)
        app = place.pushed_app()
        daemon.stop()
        for folder in tmp_path.rglob("*.git"):
            shutil.rmtree(folder)
        daemon.start()
        assert place.client.status(app.id).ok()["state"] == "in_sync"
    finally:
        daemon.stop()


def test_the_mirror_answers_while_the_host_is_down(frail_place, host):
    place, client = frail_place, frail_place.client
    app = place.pushed_app()
    answer = client.status(app.id).ok()
    history = client.history(app.id).ok()
    host.fault("respond", match=place.repo.name, status=503)
    assert client.status(app.id).ok() == answer
    assert client.statuses(place.id).ok()["data"] == [answer]
    assert client.history(app.id).ok() == history
    assert client.status(app.id, refresh="true").status in (502, 503)
    assert client.statuses(place.id, refresh="true").status in (502, 503)
    assert client.history(app.id, refresh="true").status in (502, 503)
    assert client.status(app.id).ok() == answer


def test_looks_do_not_wait_behind_a_silent_host(frail_place, host):
    place, client = frail_place, frail_place.client
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "here"))
    held = host.fault("pass", match=place.repo.name, hold=True)
    with ThreadPoolExecutor(1) as pool:
        push = pool.submit(place.push, app, "Slow")
        until(lambda: host.hits(held))
        answer = client.status(app.id).ok()
        assert not push.done()
        host.remove_fault(held)
        assert answer["state"] == "ahead"
        assert push.result().ok()["status"] == "pushed"


def test_git_that_is_switched_off(place, client):
    app = place.pushed_app()
    place.configure(isEnabled=False).ok(201)
    assert client.status(app.id).ok()["state"] == "in_sync"
    error = client.status(app.id, refresh="true").refused(400, "git_not_configured")
    assert error["message"] == "Git is not enabled"


def test_a_configuration_that_is_gone(place, client):
    app = place.pushed_app()
    client.delete_git_config(place.id).ok(204)
    client.status(app.id).refused(400, "git_not_configured")
    (entry,) = client.statuses(place.id).ok()["data"]
    assert entry["error"]["code"] == "git_not_configured"


# All apps of an organization


@pytest.fixture
def several(place):
    """One app of every kind, by name."""
    apps = {name: place.pushed_app(name) for name in ("Even", "Ahead", "Behind", "Broken")}
    apps["Fresh"] = place.new_app("Fresh")
    place.edit(apps["Ahead"], with_text(apps["Ahead"].document, "here"))
    there = with_text(apps["Behind"].document, "there")
    place.commit_document(apps["Behind"], there, **{"Broken/v1.json": "{]"})
    return apps


def test_all_apps_in_one_call(place, client, several):
    before = len(place.exchanges())
    answer = client.statuses(place.id, refresh="true").ok()
    assert place.exchanges()[before:] == [
        ("GET", "git-upload-pack", 200),
        ("POST", "git-upload-pack", 200),
    ]
    entries = {entry["name"]: entry for entry in answer["data"]}
    assert {name: entry["state"] for name, entry in entries.items()} == {
        "Even": "in_sync",
        "Ahead": "ahead",
        "Behind": "behind",
        "Broken": None,
        "Fresh": "not_linked",
    }
    error = entries["Broken"]["error"]
    assert (error["statusCode"], error["code"]) == (422, "not_an_app")
    assert "Broken/v1.json" in error["message"]
    for name in ("Even", "Ahead", "Behind"):
        assert entries[name] == client.status(several[name].id).ok()
    assert client.statuses(place.id).ok() == answer
    other = path_of("organization", place.id, "git-sync")
    assert client.send("GET", other).ok() == answer


def test_an_organization_without_apps(place, client):
    assert client.statuses(place.id).ok() == {"data": []}
    assert client.statuses(place.id, refresh="true").ok() == {"data": []}


# Refusals


def test_who_is_not_there(client):
    nobody = str(uuid.uuid4())
    client.status(nobody).refused(400, "app_not_found")
    client.statuses(nobody).refused(400, "unknown_organization")


@pytest.mark.parametrize("flag", ["", "yes", "1", "TRUE"])
def test_a_bad_refresh(place, client, flag):
    app = place.new_app()
    client.status(app.id, refresh=flag).refused(400, "invalid_input")


def test_metadata_that_cannot_be_read(place, client):
    app = place.pushed_app()
    place.repo.commit_files("main", {META: "<<<<<<<"}, "A bad merge")
    assert fresh(place, app)["state"] == "in_sync"
    place.repo.commit_files("fresh", {META: "<<<<<<<"}, "Never whole")
    place.repo.git("update-ref", "refs/heads/main", "refs/heads/fresh")
    with place.unchanged():
        client.status(app.id, refresh="true").refused(422, "meta_unreadable")


def test_looking_while_pushes_are_on_their_way(place, client):
    """The answers come from what was true at some moment, and none is an error."""
    app = place.pushed_app()
    documents = [with_text(deepcopy(app.document), f"text {i}") for i in range(6)]
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(client.status, app.id) for _ in range(3)]
        for document in documents:
            place.edit(app, document)
            looks += [pool.submit(client.status, app.id) for _ in range(4)]
            looks += [pool.submit(client.status, app.id, refresh="true")]
            place.push(app).ok()
        states = {look.result().ok()["state"] for look in looks}
    assert states <= {"in_sync", "ahead"}
    assert client.status(app.id).ok()["state"] == "in_sync"
