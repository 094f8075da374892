# SPDX-License-Identifier: Apache-2.0
"""Everything odd in what a branch holds is told, with path and reason, and one bad app hides no other."""

import json
import uuid

import pytest
import repos
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import META

APPS = ".meta/appMeta.json"


def checked(place, **query):
    return place.client.git_check(place.id, refresh="true", **query).ok()


def told(problems):
    return sorted((problem["code"], problem["path"]) for problem in problems)


def by_path(answer):
    return {entry["path"]: told(entry["problems"]) for entry in answer["data"]}


def test_what_cannot_be_checked(place, make_place, client):
    client.git_check(None).refused(400, "invalid_input")
    client.git_check(str(uuid.uuid4())).refused(400, "unknown_organization")
    error = client.git_check(place.id, ref="gone").refused(400, "invalid_ref")
    assert error["details"] == [{"field": "ref"}]
    client.git_check(make_place(configured=False).id).refused(400, "git_not_configured")


def test_a_host_that_is_down(frail_place):
    place, host = frail_place, frail_place.host
    place.pushed_app()
    host.fault("respond", match=place.repo.name, status=503)
    assert place.client.git_check(place.id).ok()["ok"]
    place.client.git_check(place.id, refresh="true").refused(502, "host_failed")


def test_an_empty_repository(make_repo, make_place):
    answer = checked(make_place(make_repo(files=None)))
    assert answer == {
        "ref": "main",
        "commit": None,
        "layout": None,
        "ok": True,
        "summary": {"apps": 0, "sound": 0, "problems": 0},
        "problems": [],
        "data": [],
    }


@pytest.mark.parametrize("name", ["plain", "foreign", "ancient", "per-entity"])
def test_sound_repositories(make_repo, make_place, name):
    repo = make_repo(files=None)
    repos.build_repo(repo, name)
    answer = checked(make_place(repo))
    found = {problem["code"] for entry in answer["data"] for problem in entry["problems"]}
    assert answer["problems"] == [] and found <= {"secret_in_document"}
    assert all(entry["version"]["id"] for entry in answer["data"])


def test_names_that_differ_in_case(make_repo, make_place):
    repo = make_repo(files=None)
    repos.build_repo(repo, "odd-names")
    assert ("case_collision", "README/v1.json") in by_path(checked(make_place(repo)))["README/v1.json"]


def test_everything_that_can_be_odd(make_repo, make_place, client):
    sound, gone, cut = (repos.app_named(name) for name in ("Sound", "Gone", "Cut"))
    twin = repos.app_named("Twin", git_app_id="twin")
    app_v2_of(twin.document)["id"] = sound.git_app_id
    other = repos.app_named("Other")
    files = repos.single_file_tree([sound, gone, cut, twin, other])
    meta = json.loads(files[META])
    meta[other.git_app_id]["gitVersionId"] = "another"
    meta |= {"bad": {"gitAppName": "../x", "gitVersionName": "v1"}, "worse": 7}
    del files[gone.path]
    files |= {
        META: to_js_bytes(meta),
        cut.path: files[cut.path][:100],
        "Unlisted/v1.json": to_js_bytes(repos.app_named("Unlisted").document),
        "docs/package.json": "{}",
    }
    repo = make_repo(files=files)
    place = make_place(repo)
    answer = checked(place)
    assert told(answer["problems"]) == [
        ("entry_unreadable", META),
        ("entry_unreadable", META),
        ("file_without_entry", "Unlisted/v1.json"),
    ]
    assert not answer["ok"] and answer["summary"]["problems"] == 3 + 4
    found = by_path(answer)
    assert found["Sound/v1.json"] == []
    assert found["Gone/v1.json"] == [("entry_without_file", "Gone/v1.json")]
    assert found["Cut/v1.json"] == [("not_an_app", "Cut/v1.json")]
    assert found["Twin/v1.json"] == [("duplicate_id", "Twin/v1.json")]
    assert found["Other/v1.json"] == [("version_differs", "Other/v1.json")]
    assert client.apps(place.id).ok() == [] and repo.head() == answer["commit"]


def test_both_layouts_and_broken_data_sources(make_repo, make_place):
    repo = make_repo(files=None)
    repos.build_repo(repo, "per-entity")
    broken = {META: "{}", ".meta/dataSourceMeta.json": "<<<<<<<"}
    repo.commit_files("main", broken, "A bad merge")
    entries = json.loads(repo.read_file(APPS))
    orders = next(key for key, entry in entries.items() if entry["appPath"] == "apps/Orders")
    entries[orders + "x"] = entries[orders]
    repo.commit_files("main", {APPS: to_js_bytes(entries)}, "One folder twice")
    answer = checked(make_place(repo))
    assert told(answer["problems"]) == [
        ("both_layouts", META),
        ("meta_unreadable", ".meta/dataSourceMeta.json"),
    ]
    shared = answer["data"][-2]["problems"] if answer["data"][-1]["type"] == "module" else []
    assert told(shared) == [("entry_without_file", "apps/Orders"), ("shared_folder", "apps/Orders")]


def test_metadata_of_which_nothing_is_known(make_repo, make_place):
    answer = checked(make_place(make_repo(files={META: "{"})))
    assert told(answer["problems"]) == [("meta_unreadable", ".meta")]
    assert answer["layout"] == "single-file" and answer["data"] == []


def test_secrets(place):
    app = place.new_app()
    app_v2_of(app.document)["workflowApiToken"] = "in the open"
    place.edit(app, app.document)
    assert place.push(app, allowSecrets=True).ok()["status"] == "pushed"
    problems = checked(place)["data"][0]["problems"]
    assert told(problems) == [("secret_in_document", "Orders/v1.json")]
    assert "in the open" not in json.dumps(problems)
