# SPDX-License-Identifier: Apache-2.0
"""Every refusal of the calls that go to git: its status, code and words; it changed nothing."""

import pytest
from client import Client
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import META, Place, as_version, new_document, with_text
from repos import build_repo

NOWHERE = "00000000-0000-4000-8000-000000000000"


# Push


def test_push_of_what_there_is_not(place):
    app, other = place.new_app("One"), place.new_app("Two")
    with place.unchanged():
        error = place.client.push(app.id, NOWHERE).refused(400, "wrong_version_id")
        assert error["message"] == "Wrong version Id"
        place.client.push(app.id, other.version).refused(400, "wrong_version_id")
        error = place.client.push(NOWHERE, app.version).refused(400, "app_not_found")
        assert error["message"] == "App not found"


def test_push_without_git(make_place):
    place = make_place(configured=False)
    app = place.new_app()
    with place.unchanged():
        error = place.push(app).refused(400, "git_not_configured")
    assert error["message"] == "No git configuration found"
    place.configure(isEnabled=False).ok(201)
    with place.unchanged():
        error = place.push(app).refused(400, "git_not_configured")
    assert error["message"] == "Git is not enabled"


def test_push_over_another_app(place, make_place):
    place.pushed_app("Orders")
    other = make_place(place.repo)
    app = other.new_app("Orders")
    with place.unchanged(), other.unchanged():
        error = other.push(app).refused(409, "app_name_taken")
    assert "Orders" in error["message"]


def test_push_that_a_branch_rule_refuses(place):
    app = place.new_app()
    place.repo.protect("main")
    with place.unchanged():
        error = place.push(app).refused(409, "push_rejected")
    assert "refused" in error["message"]
    place.repo.protect("main", False)
    assert place.push(app).ok()["status"] == "pushed"


# Create


@pytest.mark.parametrize("mode", [None, "", "blank", "GIT", "git,"])
def test_create_in_another_mode(place, make_place, mode):
    app = place.pushed_app()
    other = make_place(place.repo)
    with other.unchanged():
        answer = other.client.create(other.id, mode=mode, gitAppId=app.id, gitVersionId="main")
        answer.refused(400, "invalid_create_mode")
    place.client.pull(app.id, mode=mode).refused(400, "invalid_create_mode")


def test_create_of_what_there_is_not(place, make_place):
    app = place.pushed_app("Orders")
    other = make_place(place.repo)
    create, wanted = other.client.create, {"gitAppId": app.id, "gitVersionId": "main"}
    with other.unchanged():
        error = create(other.id, **wanted | {"gitVersionId": "x"}).refused(400, "invalid_ref")
        assert error["message"].startswith('Branch "x" does not exist')
        create(other.id, **wanted | {"gitAppId": NOWHERE}).refused(404, "not_in_git")
        create(other.id, gitAppName="Sales", gitVersionId="main").refused(404, "not_in_git")
        create(NOWHERE, **wanted).refused(400, "unknown_organization")
        error = create(other.id, gitVersionId="main").refused(400, "invalid_input")
        assert "gitAppId" in error["message"]
        error = create(other.id, gitAppId=app.id).refused(400, "invalid_input")
        assert "gitVersionId" in error["message"]


def test_create_of_what_is_there_already(place, make_place):
    app = place.pushed_app("Orders")
    wanted = {"gitAppId": app.id, "gitVersionId": "main"}
    other = make_place(place.repo)
    other.new_app("Orders")
    with place.unchanged(), other.unchanged():
        for somewhere in (place, other):
            answer = somewhere.client.create(somewhere.id, **wanted)
            error = answer.refused(409, "app_already_exists")
            assert "already exists" in error["message"]


def test_create_of_what_is_no_app(make_place, make_repo):
    repo = make_repo(files=None)
    build_repo(repo, "broken")
    place = make_place(repo)
    with place.unchanged():
        wanted = {"gitAppName": "Cut", "gitVersionId": "main"}
        error = place.client.create(place.id, **wanted).refused(422, "not_an_app")
        assert "Cut/v1.json" in error["message"]
        wanted["gitAppName"] = "Gone"
        error = place.client.create(place.id, **wanted).refused(404, "not_in_git")
        assert "Gone/v1.json" in error["message"]


def test_an_app_without_what_it_must_have(make_place):
    place = make_place()
    app = place.pushed_app()
    del app_v2_of(app.document)["appVersions"]
    place.repo.commit_files("main", {"Orders/v1.json": to_js_bytes(app.document)}, "Tidy up")
    with place.unchanged():
        error = place.client.pull(app.id).refused(422, "not_an_app")
    assert "Orders/v1.json" in error["message"]
    assert "/app/0/definition/appV2/appVersions" in error["message"]


# Pull, promote, release


def test_what_was_never_synced(place):
    app = place.new_app()
    with place.unchanged():
        place.client.pull(app.id).refused(400, "app_not_linked")
        error = place.client.promote(app.id).refused(400, "app_not_linked")
        assert error["message"] == "App is not synced with Git"
        place.client.release(app.id).refused(400, "app_not_linked")
    for answer in (
        place.client.pull(NOWHERE),
        place.client.promote(NOWHERE),
        place.client.release(NOWHERE),
    ):
        answer.refused(400, "app_not_found")


def test_pull_when_both_sides_changed_the_same(place):
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "theirs"))
    place.edit(app, with_text(app.document, "ours"))
    with place.unchanged():
        error = place.client.pull(app.id).refused(409, "merge_conflict")
        place.client.promote(app.id).refused(409, "merge_conflict")
        place.client.release(app.id).refused(409, "merge_conflict")
        for call in (place.client.pull, place.client.promote, place.client.release):
            call(app.id, onConflict="mine").refused(400, "invalid_input")
    (conflict,) = error["details"]
    component = app_v2_of(app.document)["components"][0]
    assert (conflict["type"], conflict["id"]) == ("component", component["id"])
    assert (conflict["ours"], conflict["theirs"]) == ("ours", "theirs")
    assert component["name"] in error["message"]


def test_pull_of_what_has_gone(place):
    app = place.pushed_app()
    place.repo.commit_files("main", {META: "{}"}, "Forget the apps")
    with place.unchanged():
        place.client.pull(app.id).refused(404, "not_in_git")
        error = place.client.pull(app.id, ref="nowhere").refused(400, "invalid_ref")
        assert error["details"] == [{"field": "ref"}]
        place.client.pull(app.id, ref="f" * 40).refused(400, "invalid_ref")


def test_release_of_what_cannot_be_released(place):
    app = place.pushed_app()
    with place.unchanged():
        wanted = {"versionId": NOWHERE}
        place.client.release(app.id, wanted).refused(404, "unknown_version")
        wanted = {"versionId": app.version}
        place.client.release(app.id, wanted).refused(400, "version_is_draft")
        wanted = {"versionName": "v1"}
        place.client.release(app.id, wanted).refused(400, "version_name_invalid")


def test_a_pull_must_not_take_another_apps_name(place):
    app = place.pushed_app("Orders")
    place.new_app("Sales")
    place.commit_document(app, as_version(app.document, "v1", app_name="Sales"))
    with place.unchanged():
        error = place.client.pull(app.id).refused(409, "app_already_exists")
    assert "Sales" in error["message"]


# The git host


def test_the_host_fails(make_place, host):
    place = make_place(configured=False)
    url = place.repo.fault_url
    place.configure(gitUrl=url, githubEnterpriseApiUrl=host.info["apiUrl"]).ok(201)
    app = place.new_app()
    for action, members in (("respond", {"status": 500}), ("html", {}), ("drop", {})):
        host.fault(action, match=place.repo.name, service="git-receive-pack", **members)
        with place.unchanged():
            code = "host_unreachable" if action == "drop" else "host_failed"
            place.push(app).refused(502, code)
        host.clear_faults()


def test_the_host_is_silent(start_daemon, tmp_path, host, make_repo):
    daemon = start_daemon(tmp_path, git_timeout="5s")
    try:
        repo = make_repo()
        place = Place(Client(daemon), host, repo, githubEnterpriseApiUrl=host.info["apiUrl"])
        place.configure(gitUrl=repo.fault_url).ok(201)
        app = place.new_app()
        host.fault("silent", match=repo.name)
        with place.unchanged():
            place.push(app).refused(504, "host_timeout")
    finally:
        host.clear_faults()
        daemon.stop()


def test_the_host_asks_to_wait(installed, host):
    place = installed()
    path = f"/installations/{place.config['githubAppInstallationId']}/"
    host.fault("respond", at="api", match=path, status=429, headers={"Retry-After": "90"}, times=1)
    answer = place.configure()
    answer.refused(503, "rate_limited")
    assert answer.headers["Retry-After"] == "90"
    place.client.git_config(place.id).refused(404, "not_found")
    # Until then it is not asked again.
    asked = len(host.requests())
    answer = place.configure()
    answer.refused(503, "rate_limited")
    assert 60 < int(answer.headers["Retry-After"]) <= 90
    assert len(host.requests()) == asked


def test_import_of_a_name_that_is_taken(place):
    place.new_app("Orders")
    with place.unchanged():
        answer = place.client.import_app(place.id, new_document("Orders"))
        error = answer.refused(400, "app_exists")
    assert error["message"].startswith("App with name Orders already exists")
