# SPDX-License-Identifier: Apache-2.0
"""All apps of an organization pushed, or pulled into, by one call."""

import json
import uuid

import pytest
from client import path_of
from make_app import app_v2_of
from place import META, as_version, text_of, with_text

PUSH = [("GET", "git-receive-pack", 200), ("POST", "git-receive-pack", 200)]
PULL = [("GET", "git-upload-pack", 200), ("POST", "git-upload-pack", 200)]
NAMES = ("Orders", "Sales", "Stock")


def by_name(answer):
    return {entry["name"]: entry for entry in answer["data"]}


def subjects(place, count):
    return [commit.subject for commit in place.repo.log(limit=count)]


@pytest.fixture
def apps(place):
    """Three apps that git does not have yet, by name."""
    return {name: place.new_app(name) for name in NAMES}


@pytest.fixture
def pushed(place, client, apps):
    client.push_all(place.id).ok()
    return apps


def change_in_git(place, app, text="theirs"):
    place.commit_document(app, with_text(app.document, text))


# Pushing


def test_one_commit_per_app_in_one_exchange(place, client, apps):
    head, before = place.repo.head(), len(place.exchanges())
    answer = client.push_all(place.id, "Everything").ok()
    assert place.exchanges()[before:] == PUSH
    assert answer["summary"] == {
        "total": 3,
        "pushed": 3,
        "up_to_date": 0,
        "failed": 0,
        "skipped": 0,
    }
    # By age, which two apps may share to the millisecond.
    listed = [app["name"] for app in client.apps(place.id).ok()]
    assert [entry["name"] for entry in answer["data"]] == listed and set(listed) == set(NAMES)
    commits = [entry["commit"] for entry in answer["data"]]
    assert [commit["parent"] for commit in commits] == [
        head,
        commits[0]["sha"],
        commits[1]["sha"],
    ]
    assert commits[-1]["sha"] == place.repo.head()
    assert subjects(place, 3) == ["Everything"] * 3
    for name, app in apps.items():
        entry = by_name(answer)[name]
        assert (entry["appId"], entry["versionId"]) == (app.id, app.version)
        assert entry["files"]["added"][-1] == f"{name}/v1.json"
        assert place.repo.read_file(f"{name}/v1.json") == app.bytes
        assert client.status(app.id).ok()["state"] == "in_sync"
        row = client.operation(entry["operationId"]).ok()
        assert (row["kind"], row["state"], row["appId"]) == ("push", "done", app.id)
        assert row["result"]["commit"]["sha"] == row["commit"] == entry["commit"]["sha"]


def test_one_commit_for_all(place, client, apps):
    head, before = place.repo.head(), len(place.exchanges())
    answer = client.push_all(place.id, "Everything", commitPerApp=False).ok()
    assert place.exchanges()[before:] == PUSH
    (commit,) = {json.dumps(entry["commit"]) for entry in answer["data"]}
    commit = json.loads(commit)
    assert (commit["sha"], commit["parent"]) == (place.repo.head(), head)
    assert subjects(place, 2) == ["Everything", "Initial commit"]
    assert answer["summary"]["pushed"] == 3
    for name, app in apps.items():
        assert by_name(answer)[name]["files"]["added"][-1] == f"{name}/v1.json"
        assert place.repo.read_file(f"{name}/v1.json") == app.bytes
        status = client.status(app.id).ok()
        assert (status["state"], status["lastSynced"]["commit"]) == ("in_sync", commit["sha"])
    assert set(place.meta()) == {app.id for app in apps.values()}
    assert place.repo.fsck() == ""


def test_only_what_has_changed(place, client, pushed):
    place.edit(pushed["Sales"], with_text(pushed["Sales"].document, "here"))
    for one in (False, True):
        answer = client.push_all(place.id, "Again", commitPerApp=one).ok()
        entries = by_name(answer)
        assert entries["Orders"]["status"] == entries["Stock"]["status"] == "up_to_date"
        assert entries["Sales"]["status"] == ("up_to_date" if one else "pushed")
        assert answer["summary"]["up_to_date"] == (3 if one else 2)
    assert subjects(place, 1) == ["Again"]


def test_nothing_to_push_leaves_the_branch(place, client, pushed):
    head = place.repo.head()
    answer = client.push_all(place.id, commitPerApp=False).ok()
    assert answer["summary"]["up_to_date"] == 3
    assert place.repo.head() == head


def test_the_latest_version_of_each(place, client, apps):
    app = apps["Orders"]
    client.push_all(place.id).ok()
    place.commit_document(app, as_version(app.document, "v2"))
    client.pull(app.id).ok()
    entry = by_name(client.push_all(place.id).ok())["Orders"]
    assert (entry["versionName"], entry["status"]) == ("v2", "up_to_date")


@pytest.mark.parametrize("per_app", [True, False])
def test_one_bad_app_does_not_stop_the_others(place, client, pushed, per_app):
    for app in pushed.values():
        place.edit(app, with_text(app.document, "here"))
    change_in_git(place, pushed["Sales"])
    answer = client.push_all(place.id, commitPerApp=per_app).ok()
    entries = by_name(answer)
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "Orders": "pushed",
        "Sales": "failed",
        "Stock": "pushed",
    }
    error = entries["Sales"]["error"]
    assert (error["statusCode"], error["code"]) == (409, "merge_conflict")
    assert (answer["summary"]["pushed"], answer["summary"]["failed"]) == (2, 1)
    assert client.operation(entries["Sales"]["operationId"]).ok()["state"] == "failed"
    assert text_of(json.loads(place.repo.read_file("Sales/v1.json"))) == "theirs"
    assert text_of(json.loads(place.repo.read_file("Stock/v1.json"))) == "here"
    answer = client.push_all(place.id, commitPerApp=per_app, onConflict="ours").ok()
    assert by_name(answer)["Sales"]["status"] == "pushed"


@pytest.mark.parametrize("per_app", [True, False])
def test_one_bad_app_stops_all_when_that_is_wanted(place, client, pushed, per_app):
    for app in pushed.values():
        place.edit(app, with_text(app.document, "here"))
    change_in_git(place, pushed["Sales"])
    wanted = {"commitPerApp": per_app, "continueOnError": False}
    with place.unchanged():
        error = client.push_all(place.id, **wanted).refused(409, "merge_conflict")
    assert error["message"].startswith("app 'Sales': git holds a change")
    statuses = {entry["name"]: entry["status"] for entry in error["details"]}
    assert statuses == {"Orders": "skipped", "Sales": "failed", "Stock": "skipped"}
    for entry in error["details"]:
        assert client.operation(entry["operationId"]).ok()["state"] == "failed"
    client.push_all(place.id, **wanted, onConflict="ours").ok()


@pytest.mark.parametrize("per_app", [True, False])
def test_a_host_that_refuses(place, client, apps, per_app):
    place.repo.protect("main")
    with place.unchanged():
        answer = client.push_all(place.id, commitPerApp=per_app).ok()
    assert answer["summary"]["failed"] == 3
    assert {entry["error"]["code"] for entry in answer["data"]} == {"push_rejected"}
    with place.unchanged():
        error = client.push_all(place.id, commitPerApp=per_app, continueOnError=False)
        error.refused(409, "push_rejected")
    place.repo.protect("main", False)
    assert client.push_all(place.id, commitPerApp=per_app).ok()["summary"]["pushed"] == 3


@pytest.mark.parametrize("per_app", [True, False])
def test_somebody_else_was_faster(frail_place, host, per_app):
    """The branch moves between the look and the push: all is built anew on the new head."""
    place, client = frail_place, frail_place.client
    apps = [place.new_app(name) for name in NAMES]
    other = {"repo": place.repo.name, "files": {"README.md": "other"}, "message": "Other"}
    push = {"match": place.repo.name, "method": "POST", "service": "git-receive-pack"}
    host.fault("pass", **push, times=1, race_commit=other)
    answer = client.push_all(place.id, commitPerApp=per_app).ok()
    assert answer["summary"]["pushed"] == 3
    commit = place.repo.log(limit=2 if not per_app else 4)[-1]
    assert commit.subject == "Other"
    assert answer["data"][0]["commit"]["parent"] == commit.sha
    for app in apps:
        assert client.status(app.id).ok()["state"] == "in_sync"


def test_a_condition_is_not_passed_over(place, client, apps):
    path = path_of("organization", place.id, "git-sync", "push")
    for header in ("0" * 64, "*"):
        call = client.send("POST", path, {"commitMessage": "All"}, headers={"If-Match": header})
        assert call.refused(400, "invalid_input")["details"] == [{"field": "If-Match"}]
    assert client.status(apps["Orders"].id).ok()["state"] == "not_linked"


def test_a_dry_run(place, client, apps):
    operations = client.operations(organizationId=place.id).ok()
    with place.unchanged():
        for per_app in (True, False):
            answer = client.push_all(
                place.id, commitPerApp=per_app, query={"dryRun": "true"}
            ).ok()
            assert answer["dryRun"] is True
            assert answer["summary"]["pushed"] == 3
            for entry in answer["data"]:
                assert entry["files"]["added"][-1] == f"{entry['name']}/v1.json"
                assert "commit" not in entry and "operationId" not in entry
    assert client.operations(organizationId=place.id).ok() == operations
    assert client.push_all(place.id).ok()["summary"]["pushed"] == 3


def test_into_an_empty_repository(make_place, make_repo, client):
    place = make_place(make_repo(files=None))
    for name in NAMES:
        place.new_app(name)
    answer = client.push_all(place.id, commitPerApp=False).ok()
    assert answer["data"][0]["commit"]["parent"] is None
    assert len(place.repo.log()) == 1
    assert set(place.repo.ls_tree()) == {META, *(f"{name}/v1.json" for name in NAMES)}


def test_more_apps_than_a_batch_has(place, client):
    """However many there are, they travel in one exchange."""
    for i in range(300):
        place.new_app(f"App {i:03}", components=1, events=0, queries=0)
    before = len(place.exchanges())
    answer = client.push_all(place.id, commitPerApp=False).ok()
    assert answer["summary"]["pushed"] == 300
    assert place.exchanges()[before:] == PUSH
    assert len(place.meta()) == 300
    before = len(place.exchanges())
    assert client.pull_all(place.id).ok()["summary"]["up_to_date"] == 300
    assert len(place.exchanges()) == before + 1


# Pulling


def test_all_linked_apps_in_one_exchange(place, client, pushed):
    other = place.new_app("Fresh")
    for name in ("Orders", "Stock"):
        change_in_git(place, pushed[name])
    before = len(place.exchanges())
    answer = client.pull_all(place.id).ok()
    assert place.exchanges()[before:] == PULL
    assert answer["summary"] == {
        "total": 3,
        "updated": 2,
        "merged": 0,
        "up_to_date": 1,
        "failed": 0,
        "skipped": 0,
    }
    entries = by_name(answer)
    assert other.id not in {entry["appId"] for entry in answer["data"]}
    assert entries["Sales"]["status"] == "up_to_date"
    for name in ("Orders", "Stock"):
        entry = entries[name]
        assert (entry["status"], entry["version"]["name"]) == ("updated", "v1")
        assert entry["commit"]["sha"] == place.repo.head()
        assert text_of(json.loads(place.exported(pushed[name]))) == "theirs"
        assert client.operation(entry["operationId"]).ok()["kind"] == "pull"


@pytest.fixture
def mixed(place, client, pushed):
    """Orders changed in git, Sales on both sides in conflict, Stock lost most of itself in git."""
    change_in_git(place, pushed["Orders"])
    change_in_git(place, pushed["Sales"])
    place.edit(pushed["Sales"], with_text(pushed["Sales"].document, "here"))
    document = json.loads(json.dumps(pushed["Stock"].document))
    app_v2_of(document)["components"] = []
    app_v2_of(document)["events"] = []
    place.commit_document(pushed["Stock"], document)
    return pushed


def test_bad_apps_do_not_stop_the_others(place, client, mixed):
    answer = client.pull_all(place.id).ok()
    entries = by_name(answer)
    assert entries["Orders"]["status"] == "updated"
    for name, code in (("Sales", "merge_conflict"), ("Stock", "too_many_deletions")):
        assert entries[name]["status"] == "failed"
        assert entries[name]["error"]["code"] == code
        assert entries[name]["error"]["details"]
    assert (answer["summary"]["updated"], answer["summary"]["failed"]) == (1, 2)
    answer = client.pull_all(place.id, onConflict="theirs", maxDeletions="100%").ok()
    assert (answer["summary"]["failed"], answer["summary"]["up_to_date"]) == (0, 1)


def test_one_bad_app_stops_all_pulls_when_that_is_wanted(place, client, mixed):
    with place.unchanged():
        error = client.pull_all(place.id, continueOnError=False).refused(409, "merge_conflict")
    assert error["message"].startswith("app 'Sales': ")
    statuses = {entry["name"]: entry["status"] for entry in error["details"]}
    assert statuses == {"Orders": "skipped", "Sales": "failed", "Stock": "skipped"}
    with place.unchanged():
        error = client.pull_all(place.id, continueOnError=False, onConflict="theirs")
        error.refused(409, "too_many_deletions")
    wanted = {"continueOnError": False, "onConflict": "theirs", "maxDeletions": 1000}
    answer = client.pull_all(place.id, **wanted).ok()
    assert answer["summary"]["failed"] == answer["summary"]["skipped"] == 0


def test_a_dry_run_of_a_pull(place, client, mixed):
    operations = client.operations(organizationId=place.id).ok()
    with place.unchanged():
        answer = client.pull_all(place.id, query={"dryRun": "true"}).ok()
    assert answer["dryRun"] is True
    entries = by_name(answer)
    assert (entries["Orders"]["status"], entries["Sales"]["status"]) == ("updated", "failed")
    assert entries["Orders"]["changes"]["modified"]
    assert client.operations(organizationId=place.id).ok() == operations


def test_a_host_that_is_down(frail_place, host):
    place, client = frail_place, frail_place.client
    place.pushed_app()
    host.fault("respond", match=place.repo.name, status=503)
    answer = client.pull_all(place.id).ok()
    assert answer["summary"]["failed"] == 1
    assert answer["data"][0]["error"]["statusCode"] in (502, 503)
    assert client.pull_all(place.id, continueOnError=False).status in (502, 503)
    assert client.push_all(place.id, continueOnError=False).status in (502, 503)


# Refusals


def test_an_organization_without_apps(place, client):
    answer = client.push_all(place.id).ok()
    assert (answer["data"], answer["summary"]["total"]) == ([], 0)
    assert client.pull_all(place.id).ok()["data"] == []


def test_what_is_not_there(make_place, client):
    nobody = str(uuid.uuid4())
    place = make_place(configured=False)
    for call in (client.push_all, client.pull_all):
        call(nobody).refused(400, "unknown_organization")
        call(place.id).refused(400, "git_not_configured")
    place.configure(isEnabled=False).ok(201)
    for call in (client.push_all, client.pull_all):
        assert call(place.id).refused(400, "git_not_configured")["message"] == "Git is not enabled"


@pytest.mark.parametrize(
    "members",
    [
        {"commitMessage": None},
        {"commitMessage": ""},
        {"commitMessage": "x" * 65537},
        {"commitMessage": "a\0b"},
        {"commitPerApp": "no"},
        {"continueOnError": 1},
        {"onConflict": "theirs"},
    ],
)
def test_bad_pushes(place, client, members):
    client.push_all(place.id, **members).refused(400, "invalid_input")
    client.push_all(place.id, query={"dryRun": "maybe"}).refused(400, "invalid_input")


@pytest.mark.parametrize(
    "members",
    [
        {"continueOnError": "no"},
        {"onConflict": "merge"},
        {"maxDeletions": -1},
        {"maxDeletions": 1.5},
        {"maxDeletions": True},
        {"maxDeletions": "many"},
        {"maxDeletions": []},
    ],
)
def test_bad_pulls(place, client, members):
    client.pull_all(place.id, **members).refused(400, "invalid_input")
