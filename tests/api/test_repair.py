# SPDX-License-Identifier: Apache-2.0
"""Repositories that somebody broke: what can be put right is, is told as a warning, and nothing else is touched."""

import json

import pytest
import repos
from jsbytes import to_js_bytes
from place import META, App, with_text

BROKEN = ("<<<<<<< HEAD\n{\n=======\n>>>>>>> x\n", "", "[]", '{"a":1,"a":2}')
APPS = ".meta/appMeta.json"


def codes(answer):
    return [warning["code"] for warning in answer["warnings"]]


def break_meta(place, text=BROKEN[0], path=META, **others):
    place.repo.commit_files("main", {path: text} | others, "A bad merge")


def test_a_sound_repository_has_no_warnings(place, client, make_place):
    app = place.new_app()
    assert place.push(app).ok()["warnings"] == []
    assert client.pull(app.id).ok()["warnings"] == []
    other = make_place(place.repo)
    assert client.create(other.id, gitAppId=app.id, gitVersionId="main").ok(201)["warnings"] == []


@pytest.mark.parametrize("text", BROKEN)
def test_metadata_is_taken_from_before_it_broke(place, client, make_place, text):
    app, other = place.pushed_app("Orders"), place.pushed_app("Invoices")
    before = place.meta()
    break_meta(place, text)
    with place.unchanged():
        pulled = client.pull(app.id).ok()
    assert pulled["status"] == "up_to_date" and codes(pulled) == ["meta_rebuilt"]
    assert pulled["warnings"][0]["path"] == META
    elsewhere = make_place(place.repo)
    made = client.create(elsewhere.id, gitAppId=other.id, gitVersionId="main").ok(201)
    assert codes(made) == ["meta_rebuilt"]
    pushed = place.push(app, "Mend").ok()
    assert pushed["status"] == "pushed" and codes(pushed) == ["meta_rebuilt"]
    assert pushed["files"] == {"added": [], "modified": [META], "deleted": []}
    after = place.meta()
    assert list(after) == list(before) and after[other.id] == before[other.id]
    again = place.push(app, "Again").ok()
    assert (again["status"], again["warnings"]) == ("up_to_date", [])


def test_metadata_that_was_never_whole_is_taken_from_the_tree(make_repo, make_place, client):
    sound, odd = repos.app_named("Orders"), repos.app_named("Invoices", "v 2")
    twins = {"Twins/a.json": to_js_bytes(repos.app_named("Twins").document)}
    twins["Twins/b.json"] = to_js_bytes(repos.app_named("Twins", seed="other").document)
    files = {app.path: to_js_bytes(app.document) for app in (sound, odd)} | twins
    foreign = {"docs/package.json": '{"name":"x"}', "docs/cut.json": "{", "top.json": "{}"}
    repo = make_repo(files=files | foreign | {META: BROKEN[0]})
    place = make_place(repo)
    made = client.create(place.id, gitAppId=odd.git_app_id, gitVersionId="main").ok(201)
    assert codes(made) == ["meta_rebuilt", "file_without_entry", "file_without_entry"]
    assert [warning["path"] for warning in made["warnings"][1:]] == sorted(twins)
    app = App(made["id"], made["version"]["id"], odd.document)
    assert place.push(app, "Mend").ok()["status"] == "pushed"
    meta = place.meta()
    assert set(meta) == {sound.git_app_id, odd.git_app_id}
    assert meta[sound.git_app_id]["gitVersionId"] == sound.version["id"]
    assert meta[odd.git_app_id]["gitVersionName"] == "v 2"
    for path, content in (files | foreign).items():
        wanted = content if isinstance(content, bytes) else content.encode()
        assert repo.read_file(path) == wanted


def test_metadata_of_which_nothing_is_known(make_repo, make_place, client):
    place = make_place(make_repo(files={META: "{"}))
    with place.unchanged():
        client.create(place.id, gitAppId="x", gitVersionId="main").refused(422, "meta_unreadable")


@pytest.fixture
def entity_place(make_repo, make_place):
    repo = make_repo(files=None)
    repos.build_repo(repo, "per-entity")
    return make_place(repo)


def test_folders_tell_what_the_metadata_do_not(entity_place, client):
    before = json.loads(entity_place.repo.read_file(APPS))
    returns = next(k for k, v in before.items() if v["appPath"] == "apps/Back office/Returns")
    # Never whole in any commit of this branch.
    files = entity_place.repo.files("main")
    content = {path: entity_place.repo.read_file(path) for path in files} | {APPS: b"<<<<<<<"}
    entity_place.repo.commit_files("fresh", content, "Start anew")
    answer = client.git_apps(entity_place.id, ref="fresh").ok()
    assert codes(answer) == ["meta_rebuilt"]
    paths = {entry["gitAppId"]: entry["path"] for entry in answer["data"]}
    assert {key: paths[key] for key in before} == {k: v["appPath"] for k, v in before.items()}
    made = client.create(entity_place.id, gitAppId=returns, gitVersionId="fresh").ok(201)
    assert codes(made) == ["meta_rebuilt"]


def test_a_push_mends_per_entity_metadata(entity_place, client):
    before = json.loads(entity_place.repo.read_file(APPS))
    app_id = next(iter(before))
    made = client.create(entity_place.id, gitAppId=app_id, gitVersionId="main").ok(201)
    app = App(made["id"], made["version"]["id"], None)
    break_meta(entity_place, path=APPS)
    pushed = entity_place.push(app, "Mend").ok()
    assert codes(pushed) == ["meta_rebuilt"] and pushed["files"]["modified"] == [APPS]
    assert json.loads(entity_place.repo.read_file(APPS)) == before
    assert entity_place.push(app, "Again").ok()["status"] == "up_to_date"


def test_a_push_puts_a_missing_file_back(place, client):
    app, other = place.pushed_app("Orders"), place.pushed_app("Invoices")
    place.repo.commit_files("main", {"Orders/v1.json": None}, "Deleted by hand")
    client.pull(app.id).refused(404, "not_in_git")
    plan = client.send(
        "POST",
        f"/api/ext/apps/{app.id}/versions/{app.version}/git-sync/push?dryRun=true",
        {"commitMessage": "Mend"},
    ).ok()
    assert codes(plan) == ["entry_without_file"]
    pushed = place.push(app, "Mend").ok()
    assert pushed["status"] == "pushed" and codes(pushed) == ["entry_without_file"]
    assert pushed["warnings"][0]["path"] == "Orders/v1.json"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.read_file("Invoices/v1.json") == other.bytes
    assert place.push(app, "Again").ok()["status"] == "up_to_date"
    assert client.pull(app.id).ok()["status"] == "up_to_date"


def test_a_push_puts_a_missing_app_file_back(entity_place, client):
    entries = json.loads(entity_place.repo.read_file(APPS))
    app_id = next(key for key, entry in entries.items() if entry["appPath"] == "apps/Orders")
    made = client.create(entity_place.id, gitAppId=app_id, gitVersionId="main").ok(201)
    document = json.loads(client.export(entity_place.id, made["id"]).body)
    app = App(made["id"], made["version"]["id"], document)
    before = {path: entity_place.repo.read_file(path) for path in entity_place.repo.files("main")}
    entity_place.repo.commit_files("main", {"apps/Orders/app/app.json": None}, "By hand")
    pushed = entity_place.push(app, "Mend").ok()
    assert codes(pushed) == ["entry_without_file"]
    assert pushed["files"]["added"] == ["apps/Orders/app/app.json"]
    after = {path: entity_place.repo.read_file(path) for path in entity_place.repo.files("main")}
    assert {path for path in before if before[path] != after[path]} <= {APPS}
    assert client.pull(app.id).ok()["status"] == "up_to_date"


def test_an_entry_that_cannot_be_read_is_told_and_kept(place, client):
    app = place.pushed_app()
    bad = {"gitAppName": "../x", "gitVersionName": "v1"}
    place.repo.commit_files("main", {META: to_js_bytes(place.meta() | {"bad": bad})}, "Break one")
    place.edit(app, with_text(app.document, "edited"))
    pushed = place.push(app).ok()
    assert codes(pushed) == ["entry_unreadable"] and "/bad/gitAppName" in pushed["warnings"][0]["message"]
    assert place.meta()["bad"] == bad
    assert codes(client.pull(app.id).ok()) == ["entry_unreadable"]
