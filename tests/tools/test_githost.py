# SPDX-License-Identifier: Apache-2.0
"""The GitHub-like host, proven with git's own command line, curl and openssl."""

import gzip
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from githost.client import PROGRAM, Host, HostError


def mint(curl, host, jwt, body=None, installation=None):
    number = installation or host.info["installationId"]
    url = f"{host.info['apiUrl']}/app/installations/{number}/access_tokens"
    data = ["-d", json.dumps(body)] if body is not None else ["-X", "POST"]
    status, _, answer, _ = curl(url, "-H", f"Authorization: Bearer {jwt}", *data)
    return status, json.loads(answer)


def ask(curl, host, path, token):
    status, headers, body, _ = curl(
        host.info["apiUrl"] + path, "-H", f"Authorization: Bearer {token}"
    )
    return status, headers, json.loads(body)


# Minting tokens


def test_a_signed_jwt_gives_a_token(host, repo, curl, make_jwt):
    status, answer = mint(curl, host, make_jwt())
    assert status == 201
    assert answer["token"].startswith("ghs_") and len(answer["token"]) == 40
    assert answer["expires_at"].endswith("Z")
    assert answer["permissions"] == {"contents": "write", "metadata": "read"}
    assert answer["repository_selection"] == "all"


def test_the_app_id_may_be_a_number(host, curl, make_jwt):
    assert mint(curl, host, make_jwt(iss=int(host.info["appId"])))[0] == 201


def test_both_key_forms_sign(host, curl, make_jwt):
    assert mint(curl, host, make_jwt(key=host.info["pkcs8File"]))[0] == 201


@pytest.mark.parametrize(
    "changes, status, words",
    [
        ({"iat": 300}, 401, "'Issued at' claim"),
        ({"exp": -10}, 401, "must be a numeric value representing the future time"),
        ({"exp": 660}, 401, "too far in the future"),
        ({"iss": "777"}, 404, "Integration not found"),
        ({"alg": "none"}, 401, "could not be decoded"),
        ({"alg": "HS256"}, 401, "could not be decoded"),
        ({"drop": ["exp"]}, 401, "Missing 'expiration time' claim"),
        ({"drop": ["iss"]}, 401, "Missing 'issuer' claim"),
    ],
)
def test_jwt_refusals(host, curl, make_jwt, changes, status, words):
    now = int(time.time())
    moved = {k: now + v if k in ("iat", "exp") else v for k, v in changes.items()}
    got, answer = mint(curl, host, make_jwt(**moved))
    assert (got, answer["status"]) == (status, str(status))
    assert words in answer["message"]


def test_a_jwt_of_another_key_is_refused(host, curl, make_jwt, tmp_path):
    key = tmp_path / "other.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    status, answer = mint(curl, host, make_jwt(key=str(key)))
    assert (status, answer["message"]) == (401, "A JSON web token could not be decoded")


def test_an_unknown_installation_is_404(host, curl, make_jwt):
    assert mint(curl, host, make_jwt(), installation=9)[0] == 404


def test_a_suspended_installation_is_403(host, curl, make_jwt):
    host.change_installation(suspended=True)
    assert mint(curl, host, make_jwt())[0] == 403


def test_a_token_can_be_narrowed(host, repo, curl, make_jwt):
    host.create_repo("acme/other")
    body = {"repositories": ["apps"], "permissions": {"contents": "read"}}
    status, answer = mint(curl, host, make_jwt(), body)
    assert status == 201 and answer["repository_selection"] == "selected"
    assert [r["full_name"] for r in answer["repositories"]] == ["acme/apps"]
    assert ask(curl, host, "/repos/acme/apps", answer["token"])[2]["permissions"]["push"] is False
    assert ask(curl, host, "/repos/acme/other", answer["token"])[0] == 404


def test_a_token_cannot_be_widened(host, repo, curl, make_jwt):
    assert mint(curl, host, make_jwt(), {"permissions": {"contents": "admin"}})[0] == 422
    assert mint(curl, host, make_jwt(), {"permissions": {"issues": "read"}})[0] == 422
    assert mint(curl, host, make_jwt(), {"repositories": ["nowhere"]})[0] == 422


# The other endpoints


def test_app_and_installation(host, curl, make_jwt):
    jwt = make_jwt()
    assert ask(curl, host, "/app", jwt)[2]["slug"] == host.info["appSlug"]
    status, _, answer = ask(curl, host, f"/app/installations/{host.info['installationId']}", jwt)
    assert (status, answer["account"]["login"]) == (200, "acme")
    assert ask(curl, host, "/app", host.token())[0] == 401


def test_the_bot_user(host, curl):
    status, _, answer = ask(curl, host, "/users/gitsync%5Bbot%5D", host.token())
    assert (status, answer["login"], answer["type"]) == (200, "gitsync[bot]", "Bot")
    assert answer["id"] == ask(curl, host, "/users/gitsync%5Bbot%5D", host.token())[2]["id"]
    assert ask(curl, host, "/users/nobody%5Bbot%5D", host.token())[0] == 404


def test_repository_and_branches(host, repo, curl):
    repo.commit_files("feature/x", {"x": "x"}, "x", parent="main")
    token = host.token()
    found = ask(curl, host, "/repos/Acme/APPS", token)[2]
    assert (found["full_name"], found["default_branch"]) == ("acme/apps", "main")
    assert found["clone_url"] == repo.url
    branches = ask(curl, host, "/repos/acme/apps/branches", token)[2]
    assert [b["name"] for b in branches] == ["feature/x", "main"]
    one = ask(curl, host, "/repos/acme/apps/branches/feature/x", token)[2]
    assert one["commit"]["sha"] == repo.head("feature/x")
    encoded = ask(curl, host, "/repos/acme/apps/branches/feature%2Fx", token)[2]
    assert encoded == one
    assert ask(curl, host, "/repos/acme/apps/branches/nope", token)[2]["message"] == (
        "Branch not found"
    )


def test_listings_have_pages(host, curl):
    for number in range(5):
        host.create_repo(f"acme/r{number}")
    status, headers, answer = ask(
        curl, host, "/installation/repositories?per_page=2&page=2", host.token()
    )
    assert status == 200 and answer["total_count"] == 5
    assert [r["name"] for r in answer["repositories"]] == ["r2", "r3"]
    assert 'rel="next"' in headers["link"] and 'rel="prev"' in headers["link"]


def test_bad_credentials(host, repo, curl):
    assert ask(curl, host, "/repos/acme/apps", "ghs_unknown")[0] == 401
    assert curl(host.info["apiUrl"] + "/repos/acme/apps")[0] == 404
    token = host.token()
    assert host.expire_tokens() > 0
    assert ask(curl, host, "/repos/acme/apps", token)[2]["message"] == "Bad credentials"


def test_a_request_without_user_agent_is_refused(host, curl):
    assert curl(host.info["apiUrl"] + "/rate_limit", "-H", "User-Agent:")[0] == 403


def test_the_rate_limit(host, repo, curl):
    host.settings(rateLimit=2)
    token = host.token()
    assert ask(curl, host, "/repos/acme/apps", token)[1]["x-ratelimit-remaining"] == "1"
    assert ask(curl, host, "/rate_limit", token)[2]["rate"]["remaining"] == 0
    status, headers, answer = ask(curl, host, "/repos/acme/apps", token)
    assert (status, headers["x-ratelimit-remaining"]) == (403, "0")
    assert "rate limit exceeded" in answer["message"]


def test_tokens_live_as_long_as_told(host, repo, curl):
    host.settings(tokenTtl=600, tokenLength=400)
    lasting = host.token()
    assert len(lasting) == 404
    host.settings(tokenTtl=0.3)
    brief = host.token()
    give_up = time.monotonic() + 60
    while ask(curl, host, "/repos/acme/apps", brief)[0] != 401 and time.monotonic() < give_up:
        pass
    assert ask(curl, host, "/repos/acme/apps", brief)[0] == 401
    assert ask(curl, host, "/repos/acme/apps", lasting)[0] == 200


def test_a_second_app_is_a_stranger(host, repo, curl, make_jwt):
    app = host.create_app(777, "other-app", owner="umbrella")
    made = host.create_installation(777, "umbrella")
    jwt = make_jwt(key=app["privateKeyFile"], iss="777")
    assert mint(curl, host, jwt)[0] == 404
    status, answer = mint(curl, host, jwt, installation=made["installationId"])
    assert status == 201
    assert ask(curl, host, "/repos/acme/apps", answer["token"])[0] == 404


# git over HTTP


@pytest.mark.parametrize("base", ["gitBase", "gitBaseTls", "faultGitBase"])
def test_clone_and_push(host, repo, git, tmp_path, base):
    trust = [f"http.sslCAInfo={host.info['caFile']}"]
    git("clone", "-q", repo.url_with(host.token(), base), "w", config=trust)
    work = tmp_path / "w"
    (work / "big.bin").write_bytes(os.urandom(3_000_000))
    git("add", "-A", cwd=work)
    git("commit", "-qm", "big", cwd=work)
    git("push", "-q", "origin", "main", "main:feature/y", cwd=work, config=trust)
    assert list(repo.branches()) == ["feature/y", "main"]
    assert repo.read_file("big.bin") == (work / "big.bin").read_bytes()
    assert repo.log()[0].subject == "big" and repo.log()[0].author == "A Tester"
    assert repo.fsck() == ""


@pytest.mark.parametrize("version", [0, 1, 2])
def test_every_protocol_version(host, repo, git, tmp_path, version):
    url = repo.url_with(host.token())
    git("clone", "-q", url, "w", config=[f"protocol.version={version}"])
    git("fetch", "-q", "--depth", "1", url, "main", cwd=tmp_path / "w")


def test_a_first_push_into_an_empty_repository(host, git, tmp_path):
    repo = host.create_repo("acme/empty", branch="trunk")
    git("init", "-q", "-b", "trunk", "w")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "w")
    git("push", "-q", repo.url_with(host.token()), "trunk", cwd=tmp_path / "w")
    assert [c.subject for c in repo.log("trunk")] == ["one"]


def test_tls_wants_the_hosts_own_ca(host, repo, git, curl):
    refused = git("ls-remote", repo.url_with(host.token(), "gitBaseTls"), check=False)
    assert "certificate" in refused.stderr
    status, _, _, _ = curl(
        host.info["apiUrlTls"] + "/rate_limit",
        *["--http2", "--cacert", host.info["caFile"], "-H", f"Authorization: token {host.token()}"],
    )
    assert status == 200


def refs(repo, service="git-upload-pack"):
    return f"{repo.url}/info/refs?service={service}"


def test_git_refusals(host, repo, curl):
    token = host.token()

    def status(url, user=None):
        return curl(url, *(["-u", user] if user else []))

    anonymous = status(refs(repo))
    assert anonymous[0] == 401 and anonymous[1]["www-authenticate"] == 'Basic realm="GitHub"'
    assert status(refs(repo), "x-access-token:ghs_unknown")[0] == 401
    assert status(refs(repo), f"somebody:{token}")[0] == 401
    assert status(refs(repo), f"x-access-token:{token}")[0] == 200
    hidden = host.create_repo("umbrella/secret")
    assert status(refs(hidden), f"x-access-token:{token}")[0] == 404
    assert status(refs(host.repo("acme/nope")), f"x-access-token:{token}")[0] == 404
    assert status(f"{repo.url}/HEAD", f"x-access-token:{token}")[0] == 404
    assert status(f"{repo.url}/info/refs", f"x-access-token:{token}")[0] == 403
    host.change_installation(repositories=["acme/other"])
    assert status(refs(repo), f"x-access-token:{token}")[0] == 404


def test_a_read_only_token_cannot_push(host, repo, git, curl, tmp_path):
    token = host.token(permissions={"contents": "read"})
    assert curl(refs(repo, "git-receive-pack"), "-u", f"x-access-token:{token}")[0] == 403
    git("clone", "-q", repo.url_with(token), "w")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "w")
    done = git("push", "-q", "origin", "main", cwd=tmp_path / "w", check=False)
    assert "Write access to repository not granted" in done.stderr


def test_permission_of_the_installation_counts_at_once(host, repo, curl):
    token = host.token()
    host.change_installation(permissions={"contents": "read", "metadata": "read"})
    assert curl(refs(repo, "git-receive-pack"), "-u", f"x-access-token:{token}")[0] == 403


def test_an_expired_token_is_asked_about_on_every_request(host, repo, git, tmp_path):
    url = repo.url_with(host.token())
    git("clone", "-q", url, "w")
    host.expire_tokens()
    done = git("fetch", "-q", cwd=tmp_path / "w", check=False)
    assert done.returncode != 0 and "Authentication failed" in done.stderr


def test_non_fast_forward_and_protected_branches_are_refused(host, repo, git, tmp_path):
    work = tmp_path / "w"
    git("clone", "-q", repo.url_with(host.token()), work)
    outsider = repo.commit_files("main", {"other.txt": "o"}, "outside")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=work)
    assert "[rejected]" in git("push", "origin", "main", cwd=work, check=False).stderr
    git("pull", "-q", "--rebase", cwd=work)
    repo.protect("main")
    done = git("push", "origin", "main", cwd=work, check=False)
    assert "GH006" in done.stderr and "[remote rejected]" in done.stderr
    assert repo.head() == outsider
    repo.protect("main", protected=False)
    git("push", "-q", "origin", "main", cwd=work)


def test_the_host_checks_what_it_is_given(host, repo, git, tmp_path):
    work = tmp_path / "w"
    git("clone", "-q", repo.url_with(host.token()), work)
    bad = "tree %s\nauthor nobody\ncommitter nobody\n\nbad\n"
    tree = git("rev-parse", "HEAD^{tree}", cwd=work).stdout.strip()
    (tmp_path / "bad").write_text(bad % tree)
    made = git("hash-object", "--literally", "-t", "commit", "-w", tmp_path / "bad", cwd=work)
    done = git("push", "origin", f"{made.stdout.strip()}:refs/heads/x", cwd=work, check=False)
    assert done.returncode != 0 and list(repo.branches()) == ["main"]


def test_a_gzipped_request_body(host, repo, curl, tmp_path):
    want = f"0032want {repo.head()}\n00000009done\n".encode()
    body = tmp_path / "body.gz"
    body.write_bytes(gzip.compress(want))
    status, _, answer, _ = curl(
        f"{repo.url}/git-upload-pack",
        *["-u", f"x-access-token:{host.token()}", "--data-binary", f"@{body}"],
        *["-H", "Content-Type: application/x-git-upload-pack-request"],
        *["-H", "Content-Encoding: gzip"],
    )
    assert status == 200 and answer.startswith(b"0008NAK\nPACK")


def test_many_pushes_at_once(host, git, tmp_path):
    repos = [host.create_repo(f"acme/many{number}") for number in range(32)]
    git("init", "-q", "-b", "main", "w")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "w")
    token = host.token()

    def push(repo):
        git("push", "-q", repo.url_with(token), "main", cwd=tmp_path / "w")

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(push, repos))
    assert {repo.log()[0].subject for repo in repos} == {"one"}


# The log


def test_every_exchange_is_in_the_log(host, repo, git, curl, make_jwt):
    token = mint(curl, host, make_jwt())[1]["token"]
    git("ls-remote", repo.url_with(token))
    git("clone", "-q", repo.url_with(token, "faultGitBase"), "w")
    entries = host.requests()
    seen = [(e["method"], e["path"], e["status"], e["tokenKind"]) for e in entries]
    number = host.info["installationId"]
    advertisement, pack = "/acme/apps.git/info/refs", "/acme/apps.git/git-upload-pack"
    assert seen == [
        ("POST", f"/api/v3/app/installations/{number}/access_tokens", 201, "jwt"),
        # git asks without its credentials first
        ("GET", advertisement, 401, "none"),
        ("GET", advertisement, 200, "basic"),
        ("POST", pack, 200, "basic"),
        ("GET", advertisement, 401, "none"),
        ("GET", advertisement, 200, "basic"),
        ("POST", pack, 200, "basic"),
        ("POST", pack, 200, "basic"),
    ]
    assert len(host.requests(service="git-upload-pack", status=200)) == 5
    assert entries[2]["userAgent"].startswith("git/")
    assert all(e["bytesIn"] > 100 and e["bytesOut"] > 100 for e in entries)
    host.reset_requests()
    assert host.requests() == []


# Repositories from outside


def test_repositories_are_seeded(host, repo, git, tmp_path):
    repo.tag("v1", message="annotated")
    repo.git("bundle", "create", str(tmp_path / "x.bundle"), "--all")
    copy = host.create_repo("acme/copy", seed=tmp_path / "x.bundle")
    assert (copy.branches(), copy.tags()) == (repo.branches(), repo.tags())
    (tmp_path / "seed" / "a b").mkdir(parents=True)
    (tmp_path / "seed" / "a b" / 'ü"\\.txt').write_text("odd")
    seeded = host.create_repo("acme/seeded", seed=tmp_path / "seed")
    assert seeded.files() == {'a b/ü"\\.txt': b"odd"}


def test_changes_from_outside(repo):
    first = repo.head()
    second = repo.commit_files("main", {"a/b.txt": "1", "hello.txt": None}, "näxt\n\nbody")
    assert repo.files() == {"a/b.txt": b"1"}
    assert (repo.log()[0].parents, repo.log()[0].message) == ([first], "näxt\n\nbody")
    third = repo.force_push("main", {"new": "n"}, "rewritten")
    assert repo.head() == third and repo.log()[0].parents == []
    repo.set_branch("old", second)
    assert repo.read_file("a/b.txt", "old") == b"1" and repo.read_file("nope", "old") is None
    repo.delete_branch("old")
    assert repo.head("old") is None and repo.ls_tree("old") == {}
    assert repo.fsck() == ""


def test_the_admin_interface_says_what_is_wrong(host):
    host.create_repo("acme/apps")
    for name in ("acme/APPS", "noslash", "a/b/c", "acme/..", "../x", "acme/x.git"):
        with pytest.raises(HostError):
            host.create_repo(name)
    with pytest.raises(HostError, match="no action 'explode'"):
        host.fault("explode")
    with pytest.raises(HostError, match="no member 'tmes'"):
        host.fault("html", tmes=1)
    with pytest.raises(HostError, match="there is no repository"):
        host.delete_repo("acme/nope")


# Starting and stopping


def group_of_nginx(host):
    pid = int((Path(host.info["logDir"]).parent / "nginx.pid").read_text())
    return os.getpgid(pid)


def is_running(group):
    """Whether any process of the group is more than a zombie."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True).stdout
    rows = [line.split() for line in found.splitlines()]
    return any(int(pgid) == group and not stat.startswith("Z") for pgid, stat in rows)


def wait_until_gone(group):
    give_up = time.monotonic() + 60
    while is_running(group) and time.monotonic() < give_up:
        time.sleep(0.05)
    return not is_running(group)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(tmp_path, number):
    host = Host.start(tmp_path / "h", tls=False)
    assert host.info["gitBaseTls"] is None
    group = group_of_nginx(host)
    assert is_running(group)
    os.kill(host.info["pid"], number)
    assert wait_until_gone(group)
    assert (tmp_path / "h" / "host.json").exists() == (number == signal.SIGKILL)
    host.stop()


def test_the_host_ends_with_its_caller(tmp_path):
    host = Host.start(tmp_path / "h", tls=False)
    group = group_of_nginx(host)
    host._process.stdin.close()
    assert host._process.wait(60) == 0
    assert not is_running(group)


def test_a_folder_with_a_long_name_can_be_started_again(tmp_path):
    folder = tmp_path / ("n" * 100)
    with Host.start(folder, tls=False) as host:
        host.create_repo("acme/kept").commit_files("main", {"a": "a"}, "one")
        key = Path(host.info["privateKeyFile"]).read_bytes()
    with Host.start(folder, tls=False) as host:
        assert host.repos() == ["acme/kept"]
        assert Path(host.info["privateKeyFile"]).read_bytes() == key
        assert Host.attach(folder).repo("acme/kept").files() == {"a": b"a"}


def test_a_taken_port_is_told(host, tmp_path):
    port = host.info["gitBase"].rsplit(":", 1)[1]
    with pytest.raises(HostError, match="Address already in use"):
        Host.start(tmp_path / "h", arguments=["--port", port])


def test_the_self_check():
    done = subprocess.run([PROGRAM, "check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "FAIL" not in done.stdout
