# SPDX-License-Identifier: Apache-2.0
"""Apps that show modules: what they show comes and goes with them, or is told to be missing."""

import json
import uuid
from copy import deepcopy

import pytest
from client import Client, path_of
from make_app import app_v2_of
from place import App, Place, new_document, with_text


def showing(document, *ids):
    """A copy that shows the modules of these ids, on its first page."""
    changed = deepcopy(document)
    app = app_v2_of(changed)
    for number, module_id in enumerate(ids):
        viewer = deepcopy(app["components"][0])
        viewer |= {"id": str(uuid.uuid4()), "name": f"moduleviewer{number}", "type": "ModuleViewer"}
        viewer["properties"] = {
            "moduleAppId": {"value": module_id},
            "moduleVersionId": {"value": ""},
        }
        viewer["layouts"] = []
        app["components"].append(viewer)
    return changed


def module_document(name, *ids):
    document = showing(new_document(name), *ids)
    app_v2_of(document)["type"] = "module"
    app_v2_of(document)["appVersions"][0]["status"] = "DRAFT"
    return document


def id_of(document):
    return app_v2_of(document)["id"]


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
