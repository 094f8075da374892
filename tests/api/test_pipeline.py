# SPDX-License-Identifier: Apache-2.0
"""The five documented calls, made with curl exactly as a pipeline makes them."""

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from client import BASE, Client, basic
from daemon import TOKEN
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import META, Place, as_version, new_document, text_of, unique, with_text

COMMIT = {"sha", "parent", "message", "author", "committedAt", "url"}
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def curl(server):
    """curl with the headers of the documentation's examples; gives (status, JSON)."""

    def run(method, path, body=None, *, token=f"Basic {TOKEN}", content_type="application/json"):
        words = ["-X", method, "-H", f"Authorization: {token}"]
        words += ["-H", f"Content-Type: {content_type}"] if content_type else []
        words += ["-d", body if isinstance(body, str) else json.dumps(body)] if body else []
        return run_curl(server, path, *words)

    return run


def run_curl(server, path, *words):
    command = ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", *words]
    done = subprocess.run(
        [*command, f"http://{server.address}{BASE}{path}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)


def push_path(app):
    return f"/apps/{app.id}/versions/{app.version}/git-sync/push"


@pytest.fixture
def development(make_place):
    return make_place(configured=False)


@pytest.fixture
def staging(make_place, development):
    """Another organization that works with the same repository."""
    return make_place(development.repo)


def test_the_whole_pipeline(curl, make_place, development):
    staging = make_place(development.repo, configured=False)
    app = development.new_app("Orders")

    status, configured = curl("POST", "/organization/git", development.config)
    assert status == 201
    status, pushed = curl("POST", push_path(app), {"commitMessage": "Orders for everybody"})
    assert status == 200 and pushed["status"] == "pushed"
    assert configured["branchHead"] == pushed["commit"]["parent"]

    assert curl("POST", "/organization/git", staging.config)[0] == 201
    wanted = {"gitAppId": app.id, "gitVersionId": "main", "organizationId": staging.id}
    status, created = curl("POST", "/apps?createMode=git", wanted)
    assert status == 201 and created["git"]["commit"] == pushed["commit"]["sha"]

    development.edit(app, with_text(app.document, "Pay now"))
    status, pushed = curl("POST", push_path(app), {"commitMessage": "A better word"})
    assert status == 200
    status, pulled = curl("PUT", f"/apps/{created['id']}?createMode=git")
    assert status == 200 and pulled["status"] == "updated"
    assert staging.client.export(staging.id, created["id"]).body == app.bytes
    status, promoted = curl("POST", f"/apps/{created['id']}/promote")
    assert status == 200 and promoted["currentVersionId"] == pulled["version"]["id"]
    assert promoted["commit"]["sha"] == pushed["commit"]["sha"]
    assert development.repo.fsck() == ""


# Configure


def test_configure_answers_with_everything_but_the_key(curl, development):
    status, answer = curl("POST", "/organization/git", development.config)
    assert status == 201
    sent = {k: v for k, v in development.config.items() if k != "githubAppPrivateKey"}
    assert sent.items() <= answer.items()
    assert answer["branchHead"] == development.repo.head()
    assert answer["layout"] == "single-file"
    assert len(answer["keyFingerprint"]) > 20
    assert "githubAppPrivateKey" not in answer


def test_configure_again_replaces(curl, development):
    development.repo.set_branch("release", "main")
    assert curl("POST", "/organization/git", development.config)[0] == 201
    changed = development.config | {"branchName": "release"}
    assert curl("POST", "/organization/git", changed)[0] == 201
    stored = development.client.git_config(development.id).ok()
    assert stored["branchName"] == "release"


def test_the_plural_path_is_the_same(curl, development):
    status, answer = curl("POST", "/organizations/git", development.config)
    assert status == 201 and answer["organizationId"] == development.id
    path = f"/organizations/git?organizationId={development.id}"
    status, stored = curl("GET", path)
    assert status == 200 and stored["gitUrl"] == development.repo.tls_url
    status, outcome = curl("POST", "/organizations/git/test", {"organizationId": development.id})
    assert status == 200 and outcome["ok"] is True


def contents(folder):
    """What the files below a folder hold; one that the server removes meanwhile is none of them."""
    for where, _, names in os.walk(folder):
        for name in names:
            file = Path(where) / name
            with contextlib.suppress(FileNotFoundError):
                if file.is_file():
                    yield file.read_bytes()


def test_the_key_stays_secret(server, place):
    """Not in an answer, not in the log, not readable in what is stored."""
    key = Path(place.host.info["privateKeyFile"]).read_text().splitlines()[1]
    place.push(place.new_app()).ok()
    place.configure(githubAppInstallationId="1").refused(400, "invalid_installation_id")
    assert key not in place.client.git_config(place.id).body.decode()
    assert key not in server.log() and TOKEN not in server.log()
    stored = list(contents(server.data))
    assert stored and not any(key.encode() in content for content in stored)
    assert not any(TOKEN.encode() in content for content in stored)


# Push


def test_push_answers_with_what_it_did(curl, development):
    development.configure().ok(201)
    before = development.repo.head()
    app = development.new_app("Orders")
    status, answer = curl("POST", push_path(app), {"commitMessage": "First"})
    assert status == 200
    assert answer["status"] == "pushed"
    assert (answer["appId"], answer["versionId"]) == (app.id, app.version)
    assert (answer["versionName"], answer["branch"]) == ("v1", "main")
    commit = answer["commit"]
    assert set(commit) >= COMMIT
    assert (commit["sha"], commit["parent"]) == (development.repo.head(), before)
    assert commit["message"] == "First"
    assert commit["author"]["name"] and "@" in commit["author"]["email"]
    assert re.fullmatch(MOMENT, commit["committedAt"])
    page = development.repo.tls_url.removesuffix(".git")
    assert commit["url"] == f"{page}/commit/{commit['sha']}"
    assert answer["files"] == {"added": [META, "Orders/v1.json"], "modified": [], "deleted": []}
    operation = development.client.operation(answer["operationId"]).ok()
    assert (operation["kind"], operation["state"]) == ("push", "done")


def test_push_writes_what_the_product_writes(place):
    app = place.new_app("Orders", database=True, odd_text=True, unknown=True)
    commit = place.push(app, "First").ok()["commit"]
    files = place.repo.files()
    assert set(files) == {"README.md", META, "Orders/v1.json"}
    assert files["Orders/v1.json"] == app.bytes
    entry = json.loads(files[META])[app.id]
    assert re.fullmatch(MOMENT, entry["lastpushDate"])
    expected = {
        "gitAppName": "Orders",
        "lastCommitMessage": "First",
        "gitVersionId": app.version,
        "lastpushDate": entry["lastpushDate"],
        "gitVersionName": "v1",
        "lastCommitUser": commit["author"]["name"],
    }
    assert files[META] == to_js_bytes({app.id: expected})
    logged = place.repo.log()[0]
    assert (logged.sha, logged.message) == (commit["sha"], "First")
    assert {"name": logged.author, "email": logged.email} == commit["author"]
    assert place.repo.fsck() == ""


def test_the_author_is_the_apps_bot_or_the_configured_one(make_place):
    place = make_place()
    app = place.new_app()
    bot = place.push(app).ok()["commit"]["author"]
    assert bot["name"] == f"{place.host.info['appSlug']}[bot]"
    person = {"name": "Zoë Ångström", "email": "zoe@example.com"}
    place.configure(commitAuthor=person).ok(201)
    place.edit(app, with_text(app.document, "changed"))
    assert place.push(app).ok()["commit"]["author"] == person
    assert place.repo.log()[0].author == person["name"]
    assert place.meta()[app.id]["lastCommitUser"] == person["name"]


# Create


def test_create_answers_with_the_app(curl, development, staging):
    development.configure().ok(201)
    app = development.pushed_app("Orders")
    wanted = {"gitAppId": app.id, "gitVersionId": "main", "organizationId": staging.id}
    status, answer = curl("POST", "/apps?createMode=git", wanted)
    assert status == 201
    assert set(answer) >= {"id", "name", "slug", "organizationId", "currentVersionId", "version"}
    assert (answer["name"], answer["organizationId"]) == ("Orders", staging.id)
    assert answer["slug"] and answer["currentVersionId"] is None
    version = {"id": answer["version"]["id"], "name": "v1", "status": "DRAFT"}
    assert answer["version"] == version
    head = development.repo.head()
    assert answer["git"] == {"appId": app.id, "branch": "main", "commit": head}
    # The id is taken on this server, by the development organization.
    assert answer["id"] != app.id
    stored = staging.client.app(answer["id"]).ok()
    assert stored["versions"][0]["id"] == answer["version"]["id"]


def test_one_app_id_serves_every_server(start_daemon, tmp_path, development, host):
    development.configure().ok(201)
    app = development.pushed_app("Orders")
    production = start_daemon(tmp_path / "production")
    try:
        place = Place(Client(production), host, development.repo)
        place.configure().ok(201)
        created = place.client.create(place.id, gitAppId=app.id, gitVersionId="main").ok(201)
        assert (created["id"], created["version"]["id"]) == (app.id, app.version)
        assert place.client.promote(app.id).ok()["currentVersionId"] == app.version
    finally:
        production.stop()


@pytest.mark.parametrize(
    "member, ref", [("gitVersionId", "main"), ("gitBranchName", "main"), ("gitVersionId", None)]
)
def test_newer_clients_name_the_app_and_the_branch(curl, development, staging, member, ref):
    """A ref of None stands for the version id that the metadata names."""
    development.configure().ok(201)
    app = development.pushed_app("Orders & more")
    wanted = {"gitAppName": "Orders & more", member: ref or app.version}
    status, answer = curl("POST", "/apps?createMode=git", wanted | {"organizationId": staging.id})
    assert status == 201
    assert answer["git"]["appId"] == app.id and answer["name"] == "Orders & more"


# Pull


def test_pull_answers_with_the_changes(curl, development, staging):
    development.configure().ok(201)
    app = development.pushed_app("Orders")
    created = staging.client.create(staging.id, gitAppId=app.id, gitVersionId="main").ok(201)
    development.edit(app, with_text(app.document, "changed"))
    pushed = development.push(app, "Second").ok()
    status, answer = curl("PUT", f"/apps/{created['id']}?createMode=git")
    assert status == 200
    assert answer["status"] == "updated"
    assert answer["version"] == {"id": created["version"]["id"], "name": "v1", "status": "DRAFT"}
    assert set(answer["commit"]) >= COMMIT
    assert answer["commit"]["sha"] == pushed["commit"]["sha"]
    component = app_v2_of(app.document)["components"][0]
    (change,) = answer["changes"]["modified"]
    assert (change["type"], change["id"]) == ("component", component["id"])
    assert answer["changes"]["added"] == answer["changes"]["deleted"] == []
    status, again = curl("PUT", f"/apps/{created['id']}?createMode=git")
    assert (status, again["status"]) == (200, "up_to_date")
    assert again["changes"] == {"added": [], "modified": [], "deleted": []}


@pytest.mark.parametrize("body, content_type", [(None, None), ("{}", "application/json")])
def test_pull_and_promote_want_no_body(curl, place, body, content_type):
    app = place.pushed_app()
    path = f"/apps/{app.id}"
    assert curl("PUT", f"{path}?createMode=git", body, content_type=content_type)[0] == 200
    assert curl("POST", f"{path}/promote", body, content_type=content_type)[0] == 200


# Promote


def test_promote_releases_to_production(curl, place):
    app = place.pushed_app("Orders")
    first = app.version
    status, answer = curl("POST", f"/apps/{app.id}/promote")
    assert status == 200
    assert (answer["id"], answer["name"]) == (app.id, "Orders")
    assert (answer["organizationId"], answer["currentVersionId"]) == (place.id, first)
    version = {"id": first, "name": "v1", "status": "PUBLISHED", "environment": "production"}
    assert answer["version"] == version
    assert answer["previousVersionId"] is None
    assert answer["commit"]["sha"] == place.repo.head()
    assert place.client.app(app.id).ok()["currentVersionId"] == first

    second = as_version(app.document, "v2")
    place.commit_document(app, second)
    status, answer = curl("POST", f"/apps/{app.id}/promote")
    assert (status, answer["version"]["name"]) == (200, "v2")
    assert answer["previousVersionId"] == first
    assert answer["currentVersionId"] == app_v2_of(second)["appVersions"][0]["id"]


def test_promote_may_be_repeated(curl, place):
    app = place.pushed_app()
    _, first = curl("POST", f"/apps/{app.id}/promote")
    status, again = curl("POST", f"/apps/{app.id}/promote")
    assert status == 200
    assert again["currentVersionId"] == first["currentVersionId"] == app.version


def test_release_is_the_newer_name_of_promote(curl, place):
    app = place.pushed_app()
    status, answer = curl("POST", f"/apps/{app.id}/git-sync/release", {})
    assert status == 201
    assert answer["currentVersionId"] == app.version
    slug = place.client.app(app.id).ok()["slug"]
    status, answer = curl("POST", f"/apps/{slug}/git-sync/release", {"versionId": app.version})
    assert (status, answer["version"]["environment"]) == (201, "production")
    nothing = {"versionId": None, "versionName": None}
    assert curl("POST", f"/apps/{app.id}/git-sync/release", nothing)[0] == 201


def test_release_settles_conflicts_as_promote_does(place):
    app = place.pushed_app()
    theirs = with_text(app.document, "theirs")
    place.commit_document(app, theirs)
    place.edit(app, with_text(app.document, "ours"))
    answer = place.client.release(app.id, onConflict="theirs").ok(201)
    assert answer["currentVersionId"] == app.version
    assert text_of(json.loads(place.exported(app))) == "theirs"


# Who calls


def test_every_form_of_the_token_is_known(server, curl):
    path = "/workspaces"
    accepted = (f"Basic {TOKEN}", f"basic {TOKEN}", f"Bearer {TOKEN}", basic("anybody", TOKEN))
    for token in accepted:
        assert curl("GET", path, token=token)[0] == 200, token
    assert run_curl(server, path, "-u", f":{TOKEN}")[0] == 200


def test_a_workspace_may_have_the_id_that_the_pipeline_has(client):
    document = new_document()
    wanted = app_v2_of(document)["organizationId"]
    made = client.create_workspace(unique("workspace"), id=wanted).ok(201)
    assert made["id"] == wanted
    assert wanted in [workspace["id"] for workspace in client.workspaces().ok()]
