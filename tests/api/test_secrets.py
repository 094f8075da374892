# SPDX-License-Identifier: Apache-2.0
"""Secrets in the open: refused on their way to git, told on their way from it, never repeated."""

from copy import deepcopy

import pytest
from client import path_of
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import new_document, unique, with_text

CODE = "secret_in_document"
SECRET = "hunter2-correct-horse"
TOKEN_PATH = "/app/0/definition/appV2/workflowApiToken"


def with_token(document, token=SECRET):
    changed = deepcopy(document)
    app_v2_of(changed)["workflowApiToken"] = token
    return changed


def with_option(document, key="password", **members):
    """Puts an option into the options of the document's first data source."""
    changed = deepcopy(document)
    options = app_v2_of(changed)["dataSourceOptions"][0]
    options["options"][key] = {"value": SECRET, "encrypted": False} | members
    return changed


def option_path(key="password"):
    return f"/app/0/definition/appV2/dataSourceOptions/0/options/{key}/value"


def assert_refused(answer, app, *paths):
    error = answer.refused(422, CODE)
    assert [detail["path"] for detail in error["details"]] == list(paths)
    assert {detail["appId"] for detail in error["details"]} == {app.id}
    assert SECRET.encode() not in answer.body
    return error


@pytest.fixture
def leaky(place):
    return place.import_app(with_option(with_token(new_document())))


def test_a_push_is_refused_and_says_where(place, leaky):
    with place.unchanged():
        error = assert_refused(place.push(leaky), leaky, TOKEN_PATH, option_path())
    assert "Orders" in error["message"]
    operation = place.client.operations(appId=leaky.id).ok()["data"][0]
    assert (operation["state"], operation["error"]["code"]) == ("failed", CODE)
    assert SECRET not in str(operation)


def test_a_dry_run_is_refused_as_well(place, leaky):
    path = path_of("apps", leaky.id, "versions", leaky.version, "git-sync", "push", dryRun="true")
    answer = place.client.send("POST", path, {"commitMessage": "Plan"})
    assert_refused(answer, leaky, TOKEN_PATH, option_path())


def test_the_caller_can_allow_them(place, leaky):
    assert place.push(leaky, allowSecrets=True).ok()["status"] == "pushed"
    # What git has already does not travel.
    assert place.push(leaky).ok()["status"] == "up_to_date"
    place.edit(leaky, with_text(leaky.document, "changed"))
    assert_refused(place.push(leaky), leaky, TOKEN_PATH, option_path())


def test_allow_secrets_is_a_flag(place, leaky):
    place.push(leaky, allowSecrets="yes").refused(400, "invalid_input")


def test_the_configuration_can_allow_them(place, leaky):
    assert place.configure().ok(201)["allowSecrets"] is False
    assert place.configure(allowSecrets=True).ok(201)["allowSecrets"] is True
    assert place.client.git_config(place.id).ok()["allowSecrets"] is True
    assert place.push(leaky).ok()["status"] == "pushed"
    place.configure().ok(201)
    place.edit(leaky, with_text(leaky.document, "changed"))
    assert_refused(place.push(leaky), leaky, TOKEN_PATH, option_path())


@pytest.mark.parametrize(
    "members",
    [
        {"value": ""},
        {"value": None},
        {"value": "{{secrets.DB}}"},
        {"value": "Bearer {{constants.TOKEN}}"},
        {"value": "{{globals.server.TOKEN}}"},
        {"value": "sealed", "encrypted": True},
    ],
)
def test_what_is_no_secret_is_pushed(place, members):
    app = place.import_app(with_option(with_token(new_document(), ""), **members))
    assert place.push(app).ok()["status"] == "pushed"


def test_an_option_that_only_speaks_of_a_secret_is_pushed(place):
    document = with_option(new_document(), "access_token_url", value="https://example.com/token")
    assert place.push(place.import_app(document)).ok()["status"] == "pushed"


@pytest.mark.parametrize("per_app", [True, False])
def test_of_all_apps_only_the_leaky_one_fails(place, leaky, per_app):
    place.new_app(name="Clean")
    answer = place.client.push_all(place.id, commitPerApp=per_app)
    data = {part["name"]: part for part in answer.ok()["data"]}
    assert data["Clean"]["status"] == "pushed"
    error = data["Orders"]["error"]
    assert (data["Orders"]["status"], error["code"]) == ("failed", CODE)
    assert [detail["path"] for detail in error["details"]] == [TOKEN_PATH, option_path()]
    assert SECRET.encode() not in answer.body
    answer = place.client.push_all(place.id, allowSecrets=True).ok()
    assert answer["summary"] | {"pushed": 1, "up_to_date": 1} == answer["summary"]


def test_all_apps_or_none(place, leaky):
    place.new_app(name="Clean")
    with place.unchanged():
        place.client.push_all(place.id, continueOnError=False).refused(422, CODE)


def test_a_rollback_with_a_push_is_refused(place, leaky):
    first = place.push(leaky, allowSecrets=True).ok()["commit"]["sha"]
    place.edit(leaky, with_option(with_token(leaky.document, None), value=""))
    place.push(leaky).ok()
    with place.unchanged():
        answer = place.client.rollback(leaky.id, commit=first, push=True)
        assert_refused(answer, leaky, TOKEN_PATH, option_path())
    answer = place.client.rollback(leaky.id, commit=first, push=True, allowSecrets=True)
    assert answer.ok()["push"]["status"] == "pushed"


def test_a_merge_does_not_carry_one_along(place):
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "theirs", component=1))
    place.edit(app, with_token(app.document))
    with place.unchanged():
        assert_refused(place.push(app, onConflict="merge"), app, TOKEN_PATH)


def test_a_creation_and_a_pull_tell_them(place, make_place, leaky):
    place.push(leaky, allowSecrets=True).ok()
    other = make_place(place.repo)
    answer = place.client.create(other.id, gitAppId=leaky.id, gitVersionId="main")
    made = answer.ok(201)
    assert [(w["code"], w["path"]) for w in made["warnings"]] == [
        (CODE, TOKEN_PATH),
        (CODE, option_path()),
    ]
    assert all(warning["message"] for warning in made["warnings"])
    assert SECRET.encode() not in answer.body

    place.commit_document(leaky, with_token(with_text(leaky.document, "new"), None))
    for call in (place.client.pull, place.client.promote):
        answer = call(made["id"])
        assert [w["path"] for w in answer.ok()["warnings"]] == [option_path()]
        assert SECRET.encode() not in answer.body


def test_what_holds_none_has_no_warnings(place):
    app = place.pushed_app()
    assert place.client.pull(app.id).ok()["warnings"] == []


def test_the_log_does_not_repeat_them(place, leaky, server):
    place.push(leaky).refused(422, CODE)
    assert SECRET not in server.log(0)


def test_an_app_of_the_other_layout(make_place):
    place = make_place(layout="per-entity")
    app = place.import_app(with_token(new_document(name=unique("Entities"))))
    with place.unchanged():
        assert_refused(place.push(app), app, TOKEN_PATH)
    assert place.push(app, allowSecrets=True).ok()["status"] == "pushed"


def test_many_are_counted_and_some_are_listed(place):
    document = new_document()
    option = {"value": SECRET, "encrypted": False}
    app_v2_of(document)["dataSourceOptions"][0]["options"] = {
        f"o{i}_password": option for i in range(250)
    }
    answer = place.push(place.import_app(to_js_bytes(document)))
    error = answer.refused(422, CODE)
    assert "250" in error["message"]
    assert len(error["details"]) == 100
