# SPDX-License-Identifier: Apache-2.0
"""The git configuration: what is tested before it is saved, and the words for what is wrong."""

import json
import subprocess
from pathlib import Path

import pytest
from client import Client
from keyed import until
from place import Place

CHECKS = ["settings", "privateKey", "installation", "repository", "branch", "layout"]
READ = {"contents": "read", "metadata": "read"}


@pytest.fixture(scope="module")
def openssl(host):
    """openssl's command line; {key} stands for the App's key."""

    def run(*arguments):
        words = [word.format(key=host.info["privateKeyFile"]) for word in arguments]
        return subprocess.run(
            ["openssl", *words], capture_output=True, text=True, check=True
        ).stdout

    return run


@pytest.fixture
def fresh(make_place):
    return make_place(configured=False)


def assert_refused(place, code, beginning, field=None, *, status=400, **changes):
    """Posting these changes is refused with these words, and nothing is saved."""
    before = place.client.git_config(place.id)
    error = place.configure(**changes).refused(status, code)
    assert error["message"].startswith(beginning), error["message"]
    assert [item["field"] for item in error["details"]] == ([field] if field else [])
    after = place.client.git_config(place.id)
    assert (after.status, after.status == 200 and after.json) == (
        before.status,
        before.status == 200 and before.json,
    )
    return error


# The private key


@pytest.mark.parametrize("form", ["PKCS#8", "literal line feeds", "CRLF", "blanks around"])
def test_a_key_is_taken_in_every_form_people_have_it_in(fresh, host, form):
    pkcs1 = Path(host.info["privateKeyFile"]).read_text()
    keys = {
        "PKCS#8": Path(host.info["pkcs8File"]).read_text(),
        "literal line feeds": pkcs1.replace("\n", "\\n"),
        "CRLF": pkcs1.replace("\n", "\r\n"),
        "blanks around": f"\n  {pkcs1}\n\n",
    }
    first = fresh.configure().ok(201)["keyFingerprint"]
    assert fresh.configure(githubAppPrivateKey=keys[form]).ok(201)["keyFingerprint"] == first


BAD_KEYS = {
    "no PEM": ("echo", "is not a private key"),
    "EC": ("ecparam -name prime256v1 -genkey -noout", "not an RSA key"),
    "EC in PKCS#8": ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "not an RSA key"),
    "encrypted": ("pkcs8 -topk8 -in {key} -passout pass:secret", "passphrase"),
    "encrypted the old way": ("rsa -in {key} -traditional -aes128 -passout pass:x", "passphrase"),
    "public": ("rsa -in {key} -pubout", "public key"),
    "too short": ("genrsa -traditional 1024", "1024 bits"),
}


@pytest.mark.parametrize("kind", BAD_KEYS)
def test_a_key_that_cannot_work_is_named(fresh, openssl, kind):
    command, words = BAD_KEYS[kind]
    key = "MIIEpAIBAAKCAQEA" if command == "echo" else openssl(*command.split())
    error = assert_refused(
        fresh,
        "invalid_private_key",
        "Invalid GitHub private key format. ",
        "/githubAppPrivateKey",
        githubAppPrivateKey=key,
    )
    assert words in error["message"]
    assert key.strip() not in error["message"]


def test_a_key_that_was_cut_off_is_refused(fresh):
    key = fresh.config["githubAppPrivateKey"]
    beginning = "Invalid GitHub private key format. "
    for damaged in (key[: len(key) // 2], key.replace("MII", "MIJ", 1)):
        assert_refused(
            fresh,
            "invalid_private_key",
            beginning,
            "/githubAppPrivateKey",
            githubAppPrivateKey=damaged,
        )


# The App and its installation


@pytest.mark.parametrize("app_id", ["999999999", "not an id", "1/../2"])
def test_a_wrong_app_id(fresh, app_id):
    beginning = "Invalid GitHub App ID. "
    assert_refused(fresh, "invalid_github_app_id", beginning, "/githubAppId", githubAppId=app_id)


def test_another_apps_key(fresh, github_app):
    key = Path(github_app["privateKeyFile"]).read_text()
    beginning = "Invalid GitHub App ID. "
    assert_refused(
        fresh, "invalid_github_app_id", beginning, "/githubAppId", githubAppPrivateKey=key
    )


@pytest.mark.parametrize("kind", ["unknown", "another App's", "not a number"])
def test_a_wrong_installation(fresh, host, github_app, kind):
    ids = {
        "unknown": "1",
        "another App's": str(
            host.create_installation(github_app["appId"], "acme")["installationId"]
        ),
        "not a number": "main/../1",
    }
    assert_refused(
        fresh,
        "invalid_installation_id",
        "Invalid Installation ID. ",
        "/githubAppInstallationId",
        githubAppInstallationId=ids[kind],
    )


def test_a_suspended_installation(installed, host):
    place = installed()
    host.change_installation(place.config["githubAppInstallationId"], suspended=True)
    error = place.configure().refused(502, "host_denied")
    assert "suspended" in error["message"]


# The repository and its branch


def test_a_repository_that_does_not_exist(fresh):
    url = fresh.repo.tls_url.replace("acme/", "acme/no-")
    beginning = "Repository not found. "
    assert_refused(fresh, "repository_not_found", beginning, "/gitUrl", gitUrl=url)


def test_a_repository_that_the_app_may_not_see(installed):
    place = installed(repositories=["acme/another"])
    assert_refused(place, "repository_not_found", "Repository not found. ", "/gitUrl")


def test_a_repository_that_the_app_may_only_read(installed):
    place = installed(permissions=READ)
    error = assert_refused(place, "repository_not_writable", "the App may not write", "/gitUrl")
    assert "Contents" in error["message"]


@pytest.mark.parametrize(
    "branch", ["missing", "a..b", "-x", "a b", "refs/heads/", "x.lock", "@{u}"]
)
def test_a_wrong_branch(fresh, branch):
    beginning = "Invalid Branch Name. "
    assert_refused(fresh, "invalid_branch", beginning, "/branchName", branchName=branch)


@pytest.mark.parametrize(
    "url", ["git@localhost:acme/apps.git", "ftp://localhost/acme/apps", "https://localhost", "apps"]
)
def test_an_address_that_is_none(fresh, url):
    assert_refused(fresh, "invalid_input", "", "/gitUrl", gitUrl=url)


def test_a_host_that_nobody_answers_on(fresh, server):
    """The log says why: nobody else can act on it."""
    url, first = "https://localhost:1/acme/apps.git", server.log_size
    assert_refused(fresh, "host_unreachable", "", status=502, gitUrl=url)

    def logged():
        """The last line comes after the answer."""
        lines = [json.loads(line) for line in server.log(first).splitlines()]
        found = [
            [line for line in lines if line["event"] == event and line.get("status", 502) == 502]
            for event in ("call_failed", "request")
        ]
        return found if all(found) else None

    failed, answered = until(logged)
    assert [line["code"] for line in failed] == ["host_unreachable"]
    assert "localhost:1" in failed[0]["error"]
    assert failed[0]["requestId"] == answered[0]["requestId"]


def test_loopback_is_refused_unless_it_is_allowed(start_daemon, tmp_path, host, make_repo):
    daemon = start_daemon(tmp_path, allow_loopback_hosts="false")
    try:
        place = Place(Client(daemon), host, make_repo())
        assert_refused(place, "host_not_allowed", "", "/gitUrl")
        plain = place.repo.url
        assert_refused(
            place, "invalid_input", "gitUrl must be a full HTTPS", "/gitUrl", gitUrl=plain
        )
    finally:
        daemon.stop()


# What is accepted


def test_an_empty_repository_is_fine(make_place, make_repo):
    place = make_place(make_repo(files=None), configured=False)
    assert place.configure().ok(201)["branchHead"] is None
    assert place.configure(layout="per-entity").ok(201)["layout"] == "per-entity"


def test_what_the_branch_has_counts_more_than_the_wanted_layout(place):
    place.pushed_app()
    assert place.configure(layout="per-entity").ok(201)["layout"] == "single-file"


def test_the_api_may_have_an_address_of_its_own(fresh, host):
    """As on GitHub Enterprise; members that a pipeline never filled in are empty texts."""
    answer = fresh.configure(
        gitUrl=fresh.repo.url, githubEnterpriseApiUrl=host.info["apiUrlTls"] + "/"
    ).ok(201)
    assert answer["githubEnterpriseApiUrl"] == host.info["apiUrlTls"] + "/"
    empty = {"githubEnterpriseUrl": "", "githubEnterpriseApiUrl": ""}
    assert fresh.configure(**empty).ok(201)["githubEnterpriseApiUrl"] is None


@pytest.mark.parametrize(
    "author", [{"name": "A"}, {"name": "A <b>", "email": "a@example.com"}, "A <a@example.com>"]
)
def test_a_commit_author_has_a_name_and_an_address(fresh, author):
    error = fresh.configure(commitAuthor=author).refused(400, "invalid_input")
    assert error["details"][0]["field"].startswith("/commitAuthor")


# Reading, testing, forgetting


def test_get_and_delete(place):
    app = place.pushed_app()
    stored = place.client.git_config(place.id).ok()
    assert (stored["gitUrl"], stored["isEnabled"]) == (place.repo.tls_url, True)
    place.client.delete_git_config(place.id).ok(204)
    place.client.git_config(place.id).refused(404, "not_found")
    place.client.delete_git_config(place.id).refused(404, "not_found")
    error = place.push(app).refused(400, "git_not_configured")
    assert error["message"] == "No git configuration found"
    place.configure().ok(201)
    assert place.push(app).ok()["status"] == "up_to_date"


def test_testing_tells_each_check_and_saves_nothing(fresh):
    outcome = fresh.client.test_git_config(fresh.config).ok()
    assert outcome["ok"] is True
    assert [(c["name"], c["outcome"]) for c in outcome["checks"]] == [(n, "passed") for n in CHECKS]
    wrong = fresh.config | {"branchName": "missing"}
    outcome = fresh.client.test_git_config(wrong).ok()
    assert outcome["ok"] is False
    outcomes = [check["outcome"] for check in outcome["checks"]]
    assert outcomes == ["passed"] * 4 + ["failed", "skipped"]
    failed = outcome["checks"][4]
    assert failed["code"] == "invalid_branch"
    assert failed["message"].startswith("Invalid Branch Name. ")
    fresh.client.git_config(fresh.id).refused(404, "not_found")


def test_testing_what_is_stored(fresh):
    wanted = {"organizationId": fresh.id}
    fresh.client.test_git_config(wanted).refused(400, "git_not_configured")
    fresh.configure().ok(201)
    for more in ({}, {"x": 1}, {"gitUrl": None}):
        assert fresh.client.test_git_config(wanted | more).ok()["ok"] is True, more
    fresh.client.test_git_config(wanted | {"branchName": "main"}).refused(400, "invalid_input")
    fresh.repo.delete_branch("main")
    fresh.repo.commit_files("other", {"a": "1"}, "Elsewhere")
    assert fresh.client.test_git_config(wanted).ok()["ok"] is False
