# SPDX-License-Identifier: Apache-2.0
"""Apps that show modules: what they show comes and goes with them, or is told to be missing."""

import json
import uuid
from copy import deepcopy

import pytest
from client import Client, path_of
from keyed import at_once
from make_app import app_v2_of
from place import App, Place, module_document, new_document, showing, with_text


@pytest.fixture(params=["single-file", "per-entity"])
def source(request, make_place):
    """Where an app and two modules, one of which shows the other, were pushed."""
    place = make_place(layout=request.param)
    place.inner = place.import_app(module_document("Inner"))
    place.outer = place.import_app(module_document("Outer", place.inner.id))
    place.shell = place.import_app(showing(new_document("Shell"), place.outer.id, place.outer.id))
    for app in (place.inner, place.outer, place.shell):
        place.push(app).ok()
    return place


@pytest.fixture
def target(source, make_place):
    return make_place(source.repo)


def create(place, app, **members):
    return place.client.create(place.id, gitAppId=app.id, gitVersionId="main", **members)


def apps_of(place):
    return {app["name"]: app["id"] for app in place.client.apps(place.id).ok()}


def statuses(answer):
    return {module["name"]: module["status"] for module in answer["modules"]}


# From git


def test_a_creation_takes_its_modules_along(source, target):
    made = create(target, source.shell).ok(201)
    assert statuses(made) == {"Outer": "created", "Inner": "created"}
    assert made["warnings"] == []
    apps = apps_of(target)
    assert set(apps) == {"Shell", "Outer", "Inner"}
    outer = next(module for module in made["modules"] if module["name"] == "Outer")
    assert (outer["gitAppId"], outer["appId"]) == (source.outer.id, apps["Outer"])
    assert outer["version"]["name"] == "v1"
    for name, app in (("Outer", source.outer), ("Inner", source.inner)):
        here = App(apps[name], None, None)
        assert target.exported(here) == source.exported(app)
        assert target.client.status(here.id).ok()["state"] == "in_sync"
        assert target.client.pull(here.id).ok()["status"] == "up_to_date"


def test_a_dry_run_tells_them_and_changes_nothing(source, target):
    body = {"organizationId": target.id, "gitAppId": source.shell.id, "gitVersionId": "main"}
    path = path_of("apps", createMode="git", dryRun="true")
    with target.unchanged():
        answer = target.client.send("POST", path, body).ok(201)
    assert statuses(answer) == {"Outer": "created", "Inner": "created"}


def test_a_pull_brings_what_changed_in_modules(source, target):
    made = create(target, source.shell).ok(201)
    source.edit(source.inner, with_text(source.inner.document, "newer"))
    source.push(source.inner).ok()
    answer = target.client.pull(made["id"]).ok()
    assert answer["status"] == "up_to_date"
    assert statuses(answer) == {"Outer": "up_to_date", "Inner": "updated"}
    inner = App(apps_of(target)["Inner"], None, None)
    assert target.exported(inner) == source.exported(source.inner)
    assert statuses(target.client.pull(made["id"]).ok())["Inner"] == "up_to_date"
    # The app is released; its modules are pulled and no more.
    assert target.client.promote(made["id"]).ok()["modules"]
    assert target.client.app(inner.id).ok()["currentVersionId"] is None


def test_a_pull_adds_a_module_that_is_shown_since(source, target):
    made = create(target, source.inner).ok(201)
    assert made["modules"] == []
    late = source.import_app(module_document("Late"))
    source.push(late).ok()
    source.edit(source.inner, showing(source.inner.document, late.id))
    source.push(source.inner).ok()
    assert statuses(target.client.pull(made["id"]).ok()) == {"Late": "created"}


def test_what_is_not_in_git_is_told_and_left_out(source, target):
    gone = str(uuid.uuid4())
    source.edit(source.outer, showing(source.outer.document, gone))
    source.push(source.outer).ok()
    made = create(target, source.shell).ok(201)
    assert set(statuses(made)) == {"Outer", "Inner"}
    [warning] = made["warnings"]
    assert warning["code"] == "module_missing"
    assert gone in warning["message"]
    assert "Outer" in warning["path"]


def test_a_circle_of_modules_ends(source, target):
    source.edit(source.inner, showing(source.inner.document, source.outer.id, source.inner.id))
    source.push(source.inner).ok()
    source.edit(source.outer, showing(source.outer.document, source.shell.id))
    source.push(source.outer).ok()
    made = create(target, source.shell).ok(201)
    assert statuses(made) == {"Outer": "created", "Inner": "created"}
    assert made["warnings"] == []


def test_a_conflict_in_a_module_stops_all_of_it(source, target):
    made = create(target, source.shell).ok(201)
    inner = App(apps_of(target)["Inner"], None, None)
    version = target.client.versions(inner.id).ok()["versions"][0]
    document = json.loads(target.exported(inner))
    source.edit(source.inner, with_text(source.inner.document, "theirs"))
    source.push(source.inner).ok()
    source.edit(source.shell, with_text(source.shell.document, "newer"))
    source.push(source.shell).ok()
    # One of the layouts keeps no order.
    ids = [component["id"] for component in app_v2_of(document)["components"]]
    same = ids.index(app_v2_of(source.inner.document)["components"][0]["id"])
    target.client.put_version(inner.id, version["id"], with_text(document, "ours", same)).ok()
    with target.unchanged():
        error = target.client.pull(made["id"]).refused(409, "merge_conflict")
    assert "Inner" in error["message"]
    answer = target.client.pull(made["id"], onConflict="theirs").ok()
    assert (answer["status"], statuses(answer)["Inner"]) == ("updated", "merged")


def test_a_name_that_is_taken_stops_all_of_it(source, target):
    target.new_app(name="Inner")
    with target.unchanged():
        error = create(target, source.shell).refused(409, "app_already_exists")
    assert "Inner" in error["message"]


def test_a_module_that_is_here_and_not_linked_is_told(source, start_daemon, tmp_path):
    daemon = start_daemon(tmp_path / "other")
    try:
        target = Place(Client(daemon), source.host, source.repo)
        target.configure().ok(201)
        target.import_app(source.inner.document)
        made = create(target, source.shell).ok(201)
        assert statuses(made) == {"Outer": "created"}
        assert [warning["code"] for warning in made["warnings"]] == ["module_missing"]
        assert source.inner.id in made["warnings"][0]["message"]
    finally:
        daemon.stop()


def test_secrets_of_modules_are_told(source, target):
    document = deepcopy(source.inner.document)
    app_v2_of(document)["workflowApiToken"] = "hunter2"
    source.edit(source.inner, document)
    source.push(source.inner, allowSecrets=True).ok()
    [warning] = create(target, source.shell).ok(201)["warnings"]
    assert warning["code"] == "secret_in_document"
    assert "Inner" in warning["path"] and warning["path"].endswith("appV2/workflowApiToken")


def test_a_plan_ends_with_a_change_of_a_module(source, target):
    made = create(target, source.shell).ok(201)
    path = path_of("apps", made["id"], createMode="git")
    plan = target.client.pull(made["id"], dryRun="true").ok()["planHash"]
    inner = App(apps_of(target)["Inner"], None, None)
    target.client.delete_app(inner.id).ok(204)
    headers = {"If-Match": f'"{plan}"'}
    target.client.send("PUT", path, headers=headers).refused(412, "plan_changed")
    assert statuses(target.client.pull(made["id"]).ok())["Inner"] == "created"


def test_all_apps_are_pulled_once_each(source, target):
    create(target, source.shell).ok(201)
    source.edit(source.inner, with_text(source.inner.document, "newer"))
    source.push(source.inner).ok()
    answer = target.client.pull_all(target.id).ok()
    assert {part["name"]: part["status"] for part in answer["data"]} == {
        "Shell": "up_to_date",
        "Outer": "up_to_date",
        "Inner": "updated",
    }
    assert all(part["modules"] == [] for part in answer["data"])


# To git


@pytest.fixture(params=["single-file", "per-entity"])
def fresh(request, make_place):
    """Nothing of this is in git yet: an app, the module that it shows, and the module in that."""
    place = make_place(layout=request.param)
    place.inner = place.import_app(module_document("Inner"))
    place.outer = place.import_app(module_document("Outer", place.inner.id))
    place.shell = place.import_app(showing(new_document("Shell"), place.outer.id))
    return place


def names(answer):
    return [module["name"] for module in answer["modules"]]


def test_a_push_carries_modules_that_git_lacks_in_one_commit(fresh, make_place):
    before = len(fresh.repo.log())
    answer = fresh.push(fresh.shell, "All of it").ok()
    assert names(answer) == ["Outer", "Inner"]
    assert len(fresh.repo.log()) == before + 1
    assert fresh.repo.log()[0].sha == answer["commit"]["sha"] == fresh.repo.head()
    files = answer["files"]
    assert sorted(files["added"]) == sorted(set(fresh.repo.ls_tree()) - {"README.md"})
    assert files["deleted"] == files["modified"] == []
    for app in (fresh.outer, fresh.inner, fresh.shell):
        assert fresh.client.status(app.id).ok()["state"] == "in_sync"
        assert fresh.push(app).ok()["status"] == "up_to_date"
    assert fresh.repo.fsck() == ""
    other = make_place(fresh.repo)
    assert set(statuses(create(other, fresh.shell).ok(201))) == {"Outer", "Inner"}


def test_a_push_leaves_modules_that_git_has_alone(fresh):
    fresh.push(fresh.inner).ok()
    fresh.edit(fresh.inner, with_text(fresh.inner.document, "not pushed"))
    assert names(fresh.push(fresh.shell).ok()) == ["Outer"]
    assert fresh.client.status(fresh.inner.id).ok()["state"] == "ahead"
    assert names(fresh.push(fresh.shell).ok()) == []


def test_a_module_that_is_shown_since_is_carried_later(fresh):
    fresh.push(fresh.shell).ok()
    late = fresh.import_app(module_document("Late"))
    fresh.edit(fresh.shell, showing(fresh.shell.document, late.id))
    answer = fresh.push(fresh.shell).ok()
    assert names(answer) == ["Late"]
    assert fresh.client.status(late.id).ok()["state"] == "in_sync"


def test_a_module_that_is_nowhere_is_told(fresh):
    gone = str(uuid.uuid4())
    fresh.edit(fresh.outer, showing(fresh.outer.document, gone))
    answer = fresh.push(fresh.shell).ok()
    assert names(answer) == ["Outer", "Inner"]
    [warning] = answer["warnings"]
    assert (warning["code"], gone in warning["message"]) == ("module_missing", True)


def test_a_circle_of_modules_is_pushed_once(fresh):
    circle = (fresh.inner.id, fresh.outer.id, fresh.shell.id)
    fresh.edit(fresh.inner, showing(fresh.inner.document, *circle))
    assert names(fresh.push(fresh.shell).ok()) == ["Outer", "Inner"]


def test_a_secret_in_a_module_stops_all_of_it(fresh):
    document = deepcopy(fresh.inner.document)
    app_v2_of(document)["workflowApiToken"] = "hunter2"
    fresh.edit(fresh.inner, document)
    with fresh.unchanged():
        error = fresh.push(fresh.shell).refused(422, "secret_in_document")
    assert error["details"][0]["appId"] == fresh.inner.id
    assert "Inner" in error["message"]
    assert names(fresh.push(fresh.shell, allowSecrets=True).ok()) == ["Outer", "Inner"]


def test_a_dry_run_of_a_push_tells_them(fresh):
    path = path_of("apps", fresh.shell.id, "versions", fresh.shell.version, "git-sync", "push")
    with fresh.unchanged():
        answer = fresh.client.send("POST", f"{path}?dryRun=true", {"commitMessage": "Plan"}).ok()
    assert names(answer) == ["Outer", "Inner"]
    assert fresh.client.status(fresh.inner.id).ok()["state"] == "not_linked"


def test_a_push_of_all_pushes_each_once(fresh):
    answer = fresh.client.push_all(fresh.id, commitPerApp=False).ok()
    assert answer["summary"]["pushed"] == 3
    assert all(part["modules"] == [] for part in answer["data"])
    assert fresh.client.push_all(fresh.id).ok()["summary"]["up_to_date"] == 3


def test_pushes_at_one_time_agree_on_a_module(fresh):
    second = fresh.import_app(showing(new_document("Second"), fresh.inner.id))
    answers = at_once([lambda app=app: fresh.push(app) for app in (fresh.shell, second)])
    assert [answer.ok()["status"] for answer in answers] == ["pushed", "pushed"]
    assert sum(names(answer.ok()).count("Inner") for answer in answers) == 1
    for app in (fresh.inner, fresh.outer, fresh.shell, second):
        assert fresh.client.status(app.id).ok()["state"] == "in_sync"
