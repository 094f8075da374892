# SPDX-License-Identifier: Apache-2.0
"""Which apps a branch, tag or commit holds, and which commit changed each of them last."""

import json
import time
import uuid

import pytest
import repos
from jsbytes import to_js_bytes
from place import META, with_text

EMPTY = {"commit": None, "layout": None, "total": 0, "data": [], "warnings": [], "nextCursor": None}


def listed(place, **query):
    return place.client.git_apps(place.id, **query).ok()


def by_name(answer):
    return {entry["name"]: entry for entry in answer["data"]}


def last_commit(repo, path, ref="main"):
    """What git says: sha, author and subject of the last commit that changed the path."""
    text = repo.text("log", "-1", "--format=%H%x00%an%x00%ae%x00%s", ref, "--", f":(literal){path}")
    sha, name, email, subject = text.split("\0")
    return {"sha": sha, "author": {"name": name, "email": email}, "message": subject}


def told(entry):
    return {key: value for key, value in entry["lastCommit"].items() if key != "committedAt"}


# What cannot work


def test_without_an_organization(client):
    client.git_apps(None).refused(400, "invalid_input")
    client.git_apps(str(uuid.uuid4())).refused(400, "unknown_organization")


def test_without_a_configuration(make_place, client):
    place = make_place(configured=False)
    for query in ({}, {"refresh": "true"}, {"ref": "main"}):
        client.git_apps(place.id, **query).refused(400, "git_not_configured")


@pytest.mark.parametrize(
    "ref", ["gone", "refs/heads/gone", "0" * 40, "a" * 40, str(uuid.UUID(int=7)), "x" * 5000]
)
def test_a_ref_that_is_not_there(place, client, ref):
    for refresh in ("false", "true"):
        client.git_apps(place.id, ref=ref, refresh=refresh).refused(400, "invalid_ref")


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"refresh": "maybe"}]
)
def test_bad_queries(place, client, query):
    client.git_apps(place.id, **query).refused(400, "invalid_input")


@pytest.mark.parametrize("cursor", ["", "1", "-1", "x-1", f"{'a' * 40}-1", f"{'a' * 40}--1", "0-0"])
def test_a_cursor_of_nobody(place, client, cursor):
    place.pushed_app()
    client.git_apps(place.id, cursor=cursor).refused(400, "invalid_input")


def test_a_host_that_is_down(frail_place):
    place, host = frail_place, frail_place.host
    app = place.pushed_app()
    host.fault("respond", match=place.repo.name, status=503)
    assert by_name(listed(place))["Orders"]["gitAppId"] == app.id
    place.client.git_apps(place.id, refresh="true").refused(502, "host_failed")
    place.client.git_apps(place.id, ref="unseen").refused(502, "host_failed")


def test_an_empty_repository(make_repo, make_place):
    place = make_place(make_repo(files=None))
    for query in ({}, {"refresh": "true"}):
        answer = listed(place, **query)
        assert answer == EMPTY | {"ref": "main"}


def test_a_repository_without_apps(place):
    answer = listed(place)
    assert answer == EMPTY | {"ref": "main", "commit": place.repo.head()}


# What is told


def test_an_app_that_was_pushed(place):
    app = place.pushed_app("Orders", "v1")
    entry = listed(place)["data"][0]
    meta = place.meta()[app.id]
    assert last_commit(place.repo, "Orders/v1.json") == told(entry)
    assert entry["lastCommit"]["committedAt"]
    del entry["lastCommit"]
    assert entry == {
        "gitAppId": app.id,
        "name": "Orders",
        "type": "app",
        "path": "Orders/v1.json",
        "layout": "single-file",
        "version": {"id": meta["gitVersionId"], "name": "v1"},
        "appId": app.id,
        "lastCommitBeyondLimit": False,
    }


@pytest.mark.parametrize("name", sorted(set(repos.BUILDERS) - {"empty"}))
def test_all_fixtures(make_repo, make_place, name):
    repo = make_repo(files=None)
    repos.build_repo(repo, name)
    answer = listed(make_place(repo))
    assert answer["total"] == len(answer["data"]) > 0
    for entry in answer["data"]:
        assert entry["appId"] is None and entry["lastCommitBeyondLimit"] is False
        if entry["name"] == "Gone":
            assert entry["lastCommit"] is None and entry["error"]["code"] == "not_in_git"
            continue
        assert told(entry) == last_commit(repo, entry["path"])
        assert entry["version"]["id"] and entry["version"]["name"] and "error" not in entry


def test_modules_and_folders(make_repo, make_place):
    repo = make_repo(files=None)
    repos.build_repo(repo, "per-entity")
    answer = listed(make_place(repo))
    assert answer["layout"] == "per-entity"
    found = {entry["path"]: (entry["type"], entry["version"]["name"]) for entry in answer["data"]}
    assert found == {
        "apps/Orders": ("app", "latest"),
        "apps/Back office/Returns": ("app", "latest"),
        "modules/Header": ("module", "latest"),
    }


def test_the_listed_id_is_the_one_to_create_by(place, make_place, client):
    place.pushed_app("Orders")
    other = make_place(place.repo)
    entry = listed(other)["data"][0]
    assert entry["appId"] is None
    made = client.create(other.id, gitAppId=entry["gitAppId"], gitVersionId="main").ok(201)
    assert listed(other)["data"][0]["appId"] == made["id"]


def test_branches_tags_commits_and_versions(place):
    place.pushed_app("Orders")
    first = place.repo.head()
    place.pushed_app("Invoices")
    place.repo.git("branch", "old", first)
    place.repo.tag("v1", first, message="annotated")
    version = place.meta()[next(iter(place.meta()))]["gitVersionId"]
    for ref in ("old", "refs/heads/old", "v1", "refs/tags/v1", first, first.upper()):
        answer = listed(place, ref=ref)
        assert (answer["ref"], answer["commit"]) == (ref, first)
        assert list(by_name(answer)) == ["Orders"]
        before = len(place.exchanges())
        assert listed(place, ref=ref)["commit"] == first
        assert len(place.exchanges()) == before
    assert listed(place, ref=version)["commit"] == place.repo.head()
    assert set(by_name(listed(place))) == {"Orders", "Invoices"}


def test_the_mirror_answers_until_it_is_refreshed(place):
    app = place.pushed_app()
    before, exchanges = place.repo.head(), len(place.exchanges())
    place.commit_document(app, with_text(app.document, "changed in git"))
    assert listed(place)["commit"] == before
    assert len(place.exchanges()) == exchanges
    answer = listed(place, refresh="true")
    assert answer["commit"] == place.repo.head()
    assert answer["data"][0]["lastCommit"]["message"] == "Somebody else's change"


def test_pages_show_one_commit(place):
    apps = [place.pushed_app(f"App {number}") for number in range(5)]
    first = listed(place, limit=2)
    place.pushed_app("Later")
    second = listed(place, limit=2, cursor=first["nextCursor"])
    third = listed(place, limit=2, cursor=second["nextCursor"], refresh="true")
    assert third["nextCursor"] is None
    assert {page["commit"] for page in (first, second, third)} == {first["commit"]}
    ids = [entry["gitAppId"] for page in (first, second, third) for entry in page["data"]]
    assert ids == [app.id for app in apps]


def test_an_entry_that_cannot_be_read_hides_no_other(place):
    place.pushed_app()
    meta = place.meta() | {"bad": {"gitAppName": "../x", "gitVersionName": "v1"}, "worse": 7}
    place.repo.commit_files("main", {META: to_js_bytes(meta)}, "Break two entries")
    answer = listed(place, refresh="true")
    assert list(by_name(answer)) == ["Orders"]
    assert [warning["code"] for warning in answer["warnings"]] == ["entry_unreadable"] * 2


def shortest_of_three(place, limit):
    """The seconds of a listing; what the machine does besides lengthens some calls and not all."""
    taken = []
    for _ in range(3):
        began = time.monotonic()
        listed(place, limit=limit)
        taken.append(time.monotonic() - began)
    return min(taken)


def test_a_thousand_apps(make_repo, make_place):
    repo = make_repo(files=None)
    version = {"definition": {}, "versionType": "branch", "status": "DRAFT"}
    files, entries = {}, {}
    for number in range(1000):
        app_id, version_id = str(uuid.uuid4()), str(uuid.uuid4())
        path = f"apps/App {number}"
        entries[app_id] = {"appPath": path, "updatedAt": "2026-03-02T09:00:00.000Z"}
        files[f"{path}/app/app.json"] = json.dumps({"id": app_id, "name": f"App {number}"})
        files[f"{path}/versions/{version_id}.json"] = json.dumps({"id": version_id} | version)
        for component in range(97):
            files[f"{path}/components/{number}-{component}.json"] = "{}"
    files[".meta/appMeta.json"] = json.dumps(entries)
    repo.commit_files("main", files, "Everything")
    for number in range(50):
        repo.commit_files("main", {f"apps/App {number}/app/note": "n"}, f"Note {number}")
    place = make_place(repo)
    one, all_of_them = shortest_of_three(place, 1), shortest_of_three(place, 1000)
    assert all_of_them < 300 * one  # a walk for each app would take a thousand times as long
    answer = listed(place, limit=1000)
    assert len(answer["data"]) == 1000
    messages = [entry["lastCommit"]["message"] for entry in answer["data"]]
    assert messages == [f"Note {n}" if n < 50 else "Everything" for n in range(1000)]
