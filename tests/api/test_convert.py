# SPDX-License-Identifier: Apache-2.0
"""A branch changes over from one layout to the other and back, and nothing is lost on the way."""

import json
import uuid

import pytest
import repos
from client import path_of
from crashing import PUSH_POINTS, die, needs_hooks, settled
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import META, App, with_text

APPS = ".meta/appMeta.json"
SINGLE, ENTITIES = "single-file", "per-entity"


def tree(repo):
    return repo.text("rev-parse", "main^{tree}")


def converted(place, layout, **members):
    answer = place.client.convert(place.id, layout, **members).ok()
    assert answer["layout"] == layout
    return answer


@pytest.fixture
def filled(make_repo, make_place):
    """A place whose repository has the fixture of that name."""

    def make(name, **members):
        repo = make_repo(files=None)
        repos.build_repo(repo, name)
        return make_place(repo, **members)

    return make


def create_all(place):
    """Every app of the branch, as it is here."""
    apps = []
    for entry in place.client.git_apps(place.id).ok()["data"]:
        made = place.client.create(place.id, gitAppId=entry["gitAppId"], gitVersionId="main").ok(201)
        document = json.loads(place.client.export(place.id, made["id"]).body)
        apps.append(App(made["id"], made["version"]["id"], document))
    return apps


def would_push(place, app):
    path = path_of("apps", app.id, "versions", app.version, "git-sync", "push", dryRun="true")
    return place.client.send("POST", path, {"commitMessage": "Try"}).ok()["status"]


# What cannot work


@pytest.mark.parametrize("layout", [None, "", "singlefile", "PER-ENTITY", 7])
def test_a_wrong_layout(place, client, layout):
    with place.unchanged():
        client.convert(place.id, layout).refused(400, "invalid_input")


def test_who_is_not_there(make_place, client):
    client.convert(None, SINGLE).refused(400, "invalid_input")
    client.convert(str(uuid.uuid4()), SINGLE).refused(400, "unknown_organization")
    client.convert(make_place(configured=False).id, SINGLE).refused(400, "git_not_configured")


def test_a_message_that_is_none(place, client):
    client.convert(place.id, SINGLE, commitMessage="").refused(400, "invalid_input")


def test_a_host_that_is_down(frail_place):
    place, host = frail_place, frail_place.host
    place.disturb(place.pushed_app())
    before = place.repo.head()
    host.fault("respond", match=place.repo.name, status=503)
    place.client.convert(place.id, ENTITIES).refused(502, "host_failed")
    host.clear_faults()
    assert place.repo.head() == before
    assert converted(place, ENTITIES)["status"] == "converted"


def test_an_empty_repository_gets_the_layout(make_repo, make_place, client):
    place = make_place(make_repo(files=None))
    answer = converted(place, ENTITIES)
    assert answer["status"] == "up_to_date" and place.repo.head() is None
    assert client.git_config(place.id).ok()["layout"] == ENTITIES
    app = place.pushed_app()
    assert app.id in json.loads(place.repo.read_file(APPS))


def test_a_branch_that_has_the_layout(place, client):
    place.pushed_app()
    with place.unchanged():
        answer = converted(place, SINGLE)
    assert answer["status"] == "up_to_date" and "commit" not in answer
    assert answer["fileCount"] == {"added": 0, "modified": 0, "deleted": 0, "kept": 0}


def test_mixed_layouts(filled, client):
    place = filled("per-entity")
    place.repo.commit_files("main", {META: "{}"}, "Both")
    with place.unchanged():
        error = client.convert(place.id, SINGLE).refused(422, "not_convertible")
    assert error["details"][0] | {"reason": ""} == {"code": "both_layouts", "path": META, "reason": ""}
    assert converted(place, ENTITIES)["status"] == "up_to_date"


@pytest.mark.parametrize("name", ["ancient", "broken"])
def test_what_has_no_place_is_refused_with_a_list(filled, client, name):
    place = filled(name)
    with place.unchanged():
        error = client.convert(place.id, ENTITIES).refused(422, "not_convertible")
    assert error["details"]
    for detail in error["details"]:
        assert set(detail) == {"code", "path", "reason"} and detail["path"] and detail["reason"]


def test_two_apps_of_one_name_cannot_be_single_files(filled, client):
    place = filled("per-entity")
    document = repos.app_named("Orders", seed="another", release="3.21").document
    entries = json.loads(place.repo.read_file(APPS))
    entries[app_v2_of(document)["id"]] = {"appPath": "apps/More/Orders", "updatedAt": "x"}
    files = repos.per_entity_files(document, "apps/More/Orders") | {APPS: to_js_bytes(entries)}
    place.repo.commit_files("main", files, "Another Orders")
    with place.unchanged():
        error = client.convert(place.id, SINGLE).refused(422, "not_convertible")
    assert [(d["code"], d["path"]) for d in error["details"]] == [
        ("app_name_taken", "apps/More/Orders")
    ]


def test_files_in_the_way(filled, client):
    place = filled("plain")
    files = {"apps/Tickets/components/x.json": "{}"}
    place.repo.commit_files("main", files, "In the way")
    with place.unchanged():
        error = client.convert(place.id, ENTITIES).refused(422, "not_convertible")
    assert [(d["code"], d["path"]) for d in error["details"]] == [
        ("layout_conflict", "Tickets/v1.json")
    ]


# There and back


@pytest.mark.parametrize("name", ["plain", "odd-names", "edited", "foreign", "per-entity"])
def test_there_and_back(filled, name):
    place = filled(name)
    there, back = (SINGLE, ENTITIES) if name == "per-entity" else (ENTITIES, SINGLE)
    apps = create_all(place)
    # An entry that names another version than its file is put right by a push, converted or not.
    synced = [app for app in apps if would_push(place, app) == "up_to_date"]
    assert len(synced) == len(apps) - (name == "edited")
    before, commits = tree(place.repo), len(place.repo.log())
    for layout in (there, back, there, back):
        answer = converted(place, layout)
        assert answer["status"] == "converted" and answer["commit"]["sha"] == place.repo.head()
        assert place.repo.fsck() == ""
        for app in apps:
            assert place.client.pull(app.id).ok()["status"] == "up_to_date"
            assert place.client.status(app.id).ok()["state"] == "in_sync"
        for app in synced:
            assert place.push(app).ok()["status"] == "up_to_date"
        assert place.client.git_config(place.id).ok()["layout"] == layout
    assert tree(place.repo) == before and len(place.repo.log()) == commits + 4


def test_what_is_told_and_recorded(filled, client):
    place = filled("plain")
    app = create_all(place)[0]
    head = place.repo.head()
    answer = converted(place, ENTITIES, commitMessage="One file per entity")
    assert answer["appCount"] == 3 and answer["branch"] == "main" and answer["warnings"] == []
    assert answer["commit"]["message"] == "One file per entity"
    assert answer["commit"]["parent"] == head
    operation = client.operation(answer["operationId"]).ok()
    assert (operation["kind"], operation["state"]) == ("convert", "done")
    assert operation["commit"] == place.repo.head()
    assert client.status(app.id).ok()["lastSynced"]["commit"] == place.repo.head()


def test_foreign_files_stay(filled):
    place = filled("foreign")
    foreign = ("README.md", "Styled/theme.css", "Styled/notes/ideas/later.txt", "tools/check.sh")
    before = {path: place.repo.read_file(path) for path in foreign}
    converted(place, ENTITIES)
    assert {path: place.repo.read_file(path) for path in foreign} == before


def test_changes_are_carried_back(filled):
    """What changed in the other layout comes back, in the order that the document had."""
    place = filled("plain")
    apps = create_all(place)
    paths = [entry["path"] for entry in place.client.git_apps(place.id).ok()["data"]]
    before = {path: place.repo.read_file(path) for path in paths}
    converted(place, ENTITIES)
    document = json.loads(place.client.export(place.id, apps[0].id).body)
    place.edit(apps[0], with_text(document, "changed as entities"))
    assert place.push(apps[0]).ok()["status"] == "pushed"
    converted(place, SINGLE)
    after = {path: place.repo.read_file(path) for path in paths}
    changed = [path for path in paths if after[path] != before[path]]
    assert len(changed) == 1
    old, new = (app_v2_of(json.loads(text[changed[0]])) for text in (before, after))
    assert [c["id"] for c in new["components"]] == [c["id"] for c in old["components"]]
    assert list(new) == list(old)
    assert b"changed as entities" in after[changed[0]]
    for app in apps:
        assert place.client.pull(app.id).ok()["status"] == "up_to_date"
        assert place.push(app).ok()["status"] == "up_to_date"


def test_an_app_that_came_meanwhile(filled):
    place = filled("plain")
    create_all(place)
    converted(place, ENTITIES)
    app = place.pushed_app("Fresh")
    converted(place, SINGLE)
    assert app.id in place.meta() and place.client.pull(app.id).ok()["status"] == "up_to_date"
    assert not [path for path in place.repo.files("main") if path.startswith("apps/")]


def test_edits_here_stay_ahead(filled):
    place = filled("plain")
    app = create_all(place)[0]
    place.edit(app, with_text(app.document, "edited here"))
    converted(place, ENTITIES)
    assert place.client.status(app.id).ok()["state"] == "ahead"
    assert place.push(app).ok()["status"] == "pushed"
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


def test_an_entry_without_a_file_is_told_and_kept(filled, client):
    place = filled("plain")
    place.repo.commit_files("main", {"Tickets/v1.json": None}, "Deleted by hand")
    before = tree(place.repo)
    answer = converted(place, ENTITIES)
    assert [warning["code"] for warning in answer["warnings"]] == ["entry_without_file"]
    converted(place, SINGLE)
    assert tree(place.repo) == before


# Plans, and the branch that moves


def test_a_plan_changes_nothing_and_binds(filled, client):
    place = filled("plain")
    with place.unchanged():
        plan = client.convert(place.id, ENTITIES, query={"dryRun": "true"}).ok()
    assert plan["dryRun"] and plan["status"] == "converted" and plan["fileCount"]["added"] > 0
    assert "commit" not in plan and "operationId" not in plan
    bound = {"If-Match": f'"{plan["planHash"]}"'}
    place.repo.commit_files("main", {"other.txt": "x"}, "Somebody else")
    with place.unchanged():
        client.convert(place.id, ENTITIES, headers=bound).refused(412, "plan_changed")
    plan = client.convert(place.id, ENTITIES, query={"dryRun": "true"}).ok()
    bound = {"If-Match": plan["planHash"]}
    assert client.convert(place.id, ENTITIES, headers=bound).ok()["status"] == "converted"


def test_somebody_is_faster(frail_place, host):
    """What came in between is converted with the rest."""
    place = frail_place
    app = place.pushed_app()
    document = repos.app_named("Faster").document
    entry = repos.app_named("Faster").entry
    meta = place.meta() | {app_v2_of(document)["id"]: entry}
    files = {
        "Faster/v1.json": to_js_bytes(document).decode(),
        META: to_js_bytes(meta).decode(),
        "faster.txt": "faster",
    }
    race = {"repo": place.repo.name, "files": files}
    host.fault("pass", match=place.repo.name, method="POST", service="git-receive-pack",
               times=1, race_commit=race)  # fmt: skip
    answer = converted(place, ENTITIES)
    assert answer["appCount"] == 2 and answer["commit"]["sha"] == place.repo.head()
    assert place.repo.read_file("faster.txt") == b"faster"
    assert set(json.loads(place.repo.read_file(APPS))) == set(meta)
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


def test_the_answer_is_lost(frail_place, host):
    place = frail_place
    app = place.pushed_app()
    host.fault("cut", match=place.repo.name, method="POST", service="git-receive-pack",
               times=1, after_response_bytes=0)  # fmt: skip
    converted(place, ENTITIES)
    assert converted(place, ENTITIES)["status"] == "up_to_date"
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


@needs_hooks
@pytest.mark.parametrize("point", ["submit.recorded"] + [f"push.{name}" for name in PUSH_POINTS])
def test_killed_on_the_way(daemon, make_repo, point, place_on):
    repo = make_repo(files=None)
    repos.build_repo(repo, "plain")
    place = place_on(daemon, repo)
    apps, before = create_all(place), repo.head()
    die(daemon, point, lambda: place.client.convert(place.id, ENTITIES))
    settled(place.client)
    done = repo.head() != before
    assert done == (point in ("push.committed", "push.pushed", "push.recorded"))
    answer = converted(place, ENTITIES)
    assert answer["status"] == ("up_to_date" if done else "converted")
    assert len(repo.log()) == len(repo.log(before)) + 1 and repo.fsck() == ""
    for app in apps:
        assert place.client.pull(app.id).ok()["status"] == "up_to_date"
        assert place.push(app).ok()["status"] == "up_to_date"
