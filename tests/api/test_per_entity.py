# SPDX-License-Identifier: Apache-2.0
"""A repository in the per-entity layout works like any other: create, pull, push, push again."""

import json
from copy import deepcopy

import pytest
import repos
from make_app import app_v2_of
from place import App, text_of, with_text

DRY = {"dryRun": "true"}
META = ".meta/appMeta.json"


@pytest.fixture
def entity_place(make_repo, make_place):
    repo = make_repo(files=None)
    repos.build_repo(repo, "per-entity")
    return make_place(repo)


@pytest.fixture
def orders(entity_place):
    """The app of that name, created from git."""
    entries = json.loads(entity_place.repo.read_file(META))
    app_id = next(key for key, entry in entries.items() if entry["appPath"] == "apps/Orders")
    made = entity_place.client.create(entity_place.id, gitAppId=app_id, gitVersionId="main").ok(201)
    document = json.loads(entity_place.client.export(entity_place.id, made["id"]).body)
    return App(made["id"], made["version"]["id"], document)


def test_what_was_created_is_up_to_date(entity_place, orders):
    assert entity_place.client.pull(orders.id).ok()["status"] == "up_to_date"
    assert entity_place.push(orders).ok()["status"] == "up_to_date"


def test_a_push_changes_the_files_of_what_changed(entity_place, orders):
    before = set(entity_place.repo.files("main"))
    for text in ("first", "second"):
        entity_place.edit(orders, with_text(orders.document, text))
        pushed = entity_place.push(orders, f"Say {text}").ok()
        assert pushed["status"] == "pushed"
        changed = pushed["files"]["modified"]
        assert [path for path in changed if "/components/" in path] and len(changed) <= 3, changed
        assert pushed["files"]["added"] == pushed["files"]["deleted"] == []
        assert entity_place.push(orders).ok()["status"] == "up_to_date"
    assert set(entity_place.repo.files("main")) == before
    assert entity_place.repo.fsck() == ""


def test_a_change_in_git_is_pulled(entity_place, orders):
    folder = "apps/Orders/components/"
    path = next(p for p in entity_place.repo.files("main") if p.startswith(folder))
    component = json.loads(entity_place.repo.read_file(path))
    component["name"] = "renamed_in_git"
    text = json.dumps(component, indent=2, ensure_ascii=False)
    entity_place.repo.commit_files("main", {path: text}, "Rename a component")
    pulled = entity_place.client.pull(orders.id).ok()
    assert pulled["status"] == "updated"
    assert [change["members"] for change in pulled["changes"]["modified"]] == [["name"]]


def test_both_sides_merge(entity_place, orders):
    path = "apps/Orders/app/app.json"
    app = json.loads(entity_place.repo.read_file(path))
    app["icon"] = "changed-in-git"
    text = json.dumps(app, indent=2, ensure_ascii=False)
    entity_place.repo.commit_files("main", {path: text}, "Another icon")
    entity_place.edit(orders, with_text(orders.document, "changed here"))
    error = entity_place.push(orders).refused(409, "merge_conflict")
    assert error["details"] == [] and '"onConflict":"merge"' in error["message"]
    assert entity_place.client.pull(orders.id).ok()["status"] == "merged"
    merged = json.loads(entity_place.client.export(entity_place.id, orders.id).body)
    assert text_of(merged) == "changed here"
    assert entity_place.push(orders, "Merged").ok()["status"] == "pushed"


def test_a_push_tells_what_both_sides_changed(entity_place, orders):
    component = app_v2_of(orders.document)["components"][0]
    path = next(
        path
        for path in entity_place.repo.files("main")
        if path.startswith("apps/Orders/components/")
        and json.loads(entity_place.repo.read_file(path)).get("id") == component["id"]
    )
    theirs = json.loads(entity_place.repo.read_file(path)) | {"name": "theirs"}
    text = json.dumps(theirs, indent=2, ensure_ascii=False)
    entity_place.repo.commit_files("main", {path: text}, "Rename a component")
    document = deepcopy(orders.document)
    app_v2_of(document)["components"][0]["name"] = "ours"
    entity_place.edit(orders, document)
    with entity_place.unchanged():
        error = entity_place.push(orders).refused(409, "merge_conflict")
        dry = entity_place.push(orders, query=DRY).refused(409, "merge_conflict")
        merging = entity_place.push(orders, onConflict="merge").refused(409, "merge_conflict")
    (conflict,) = error["details"]
    told = [conflict[key] for key in ("type", "id", "member", "base", "ours", "theirs")]
    assert told == ["component", component["id"], "/name", component["name"], "ours", "theirs"]
    assert dry["details"] == merging["details"] == error["details"]
    pulling = entity_place.client.pull(orders.id).refused(409, "merge_conflict")
    assert pulling["details"] == error["details"]
