# SPDX-License-Identifier: Apache-2.0
"""Each way in which the host can be told to misbehave, once, seen with curl, git or a socket."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from githost.client import HostError

CURL_EMPTY, CURL_PARTIAL, CURL_TIMEOUT, CURL_RESET, CURL_NOT_HTTP = 52, 18, 28, 56, 1


@pytest.fixture
def pusher(host, repo, git, tmp_path):
    """A clone with a commit to push; push() pushes it through the fault proxy."""
    work = tmp_path / "w"
    git("clone", "-q", repo.url_with(host.token(), "faultGitBase"), work)
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=work)
    host.reset_requests()

    def push(token=None):
        url = repo.url_with(token or host.token(), "faultGitBase")
        return git("push", url, "main", cwd=work, check=False)

    return push


def refs(repo, service="git-upload-pack"):
    return f"{repo.fault_url}/info/refs?service={service}"


def credentials(host):
    return ["-u", f"x-access-token:{host.token()}"]


# At the API


def test_api_status_with_headers_and_a_number_of_times(host, curl):
    host.fault(
        "respond",
        at="api",
        match="/rate_limit",
        status=429,
        headers={"Retry-After": "1"},
        body={"message": "slow down"},
        times=1,
        skip=1,
    )
    url, auth = host.info["apiUrl"] + "/rate_limit", f"Authorization: token {host.token()}"
    assert curl(url, "-H", auth)[0] == 200
    status, headers, body, _ = curl(url, "-H", auth)
    assert (status, headers["retry-after"], json.loads(body)) == (
        429,
        "1",
        {"message": "slow down"},
    )
    assert curl(url, "-H", auth)[0] == 200
    assert [rule["hits"] for rule in host.faults()] == [3]
    assert [e["status"] for e in host.requests()] == [200, 429, 200]


def test_api_html_redirect_delay_and_drop(host, curl):
    url = host.info["apiUrl"] + "/rate_limit"

    def once(action, **members):
        host.fault(action, at="api", times=1, **members)
        return curl(url)

    status, headers, body, _ = once("html", status=502)
    assert status == 502 and headers["content-type"].startswith("text/html") and b"<html>" in body
    status, headers, _, _ = once("redirect", status=307, location="http://127.0.0.1:9/x")
    assert (status, headers["location"]) == (307, "http://127.0.0.1:9/x")
    began = time.monotonic()
    assert once("pass", delay_ms=300)[0] == 401 and time.monotonic() - began >= 0.3
    assert once("drop")[3] == CURL_EMPTY


def test_rules_are_checked(host):
    for wrong in ({"at": "moon"}, {"at": "api", "race_commit": {"repo": "a/b", "files": {}}}):
        with pytest.raises(HostError):
            host.fault("pass", **wrong)
    with pytest.raises(HostError, match="no action 'silent' at 'api'"):
        host.fault("silent", at="api")
    with pytest.raises(HostError, match="needs a location"):
        host.fault("redirect")


# At the proxy: in place of an answer


def test_without_a_rule_the_proxy_is_not_there(host, repo, curl):
    direct = curl(refs(repo).replace(host.info["faultGitBase"], host.info["gitBase"]), "-v")
    proxied = curl(refs(repo))
    assert (direct[0], direct[2]) == (proxied[0], proxied[2])
    answer = curl(
        f"{host.info['faultApiUrl']}/repos/acme/apps", "-H", f"Authorization: token {host.token()}"
    )
    assert json.loads(answer[2])["clone_url"] == repo.fault_url


def test_silent(host, repo, curl):
    host.fault("silent", match="/info/refs", times=1)
    assert curl(refs(repo), limit=0.5)[3] == CURL_TIMEOUT
    assert curl(refs(repo))[0] == 401
    assert [(e["status"], e["fault"]) for e in host.requests()] == [(None, "silent"), (401, None)]


def test_respond_html_and_redirect(host, repo, curl):
    host.fault("respond", status=503, headers={"Retry-After": "2"}, body="busy", times=1)
    host.fault("html", times=1)
    host.fault("redirect", location=repo.url, times=1)
    first, second, third = (curl(refs(repo)) for _ in range(3))
    assert (first[0], first[1]["retry-after"], first[2]) == (503, "2", b"busy")
    assert second[0] == 200 and second[1]["content-type"].startswith("text/html")
    assert (third[0], third[1]["location"]) == (302, repo.url)


def test_reset_and_cut_at_once(host, repo, curl):
    host.fault("reset", times=1)
    host.fault("cut", times=1)
    assert curl(refs(repo))[3] == CURL_RESET
    assert curl(refs(repo))[3] == CURL_EMPTY


def test_garbage(host, repo, curl):
    host.fault("garbage", bytes=100, times=1)
    host.fault("garbage", on_wire=True, times=1)
    status, headers, body, _ = curl(refs(repo))
    assert (status, len(body)) == (200, 100)
    assert headers["content-type"] == "application/x-git-upload-pack-advertisement"
    assert curl(refs(repo))[3] == CURL_NOT_HTTP


def test_endless(host, repo, curl):
    host.fault("endless", body=" ", times=1)
    status, _, body, how = curl(refs(repo), "--limit-rate", "4M", limit=1)
    assert (status, how) == (200, CURL_TIMEOUT) and len(body) > 1_000_000 and set(body) == {32}


# At the proxy: on the way through


def test_delay(host, repo, curl):
    host.fault("pass", delay_ms=300, times=1)
    began = time.monotonic()
    assert curl(refs(repo))[0] == 401 and time.monotonic() - began >= 0.3


def test_hold(host, repo, curl):
    """Until the rule is removed: alone, or with all others."""
    for let_go in (host.remove_fault, lambda _: host.clear_faults()):
        held = host.fault("pass", hold=True, times=1)
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(curl, refs(repo), limit=60)
            while host.faults()[0]["hits"] == 0:
                pass
            assert curl(refs(repo))[0] == 401 and not call.done()
            let_go(held)
            assert call.result()[0] == 401
    with pytest.raises(HostError, match="there is no fault"):
        host.remove_fault(held)


def test_drip(host, repo, curl):
    host.fault("drip", bytes_per_second=200, times=1)
    status, _, body, how = curl(refs(repo), *credentials(host), limit=1)
    assert how == CURL_TIMEOUT and len(body) < 200


def test_truncate(host, repo, curl):
    host.fault("truncate", bytes=50, times=1)
    status, headers, body, how = curl(refs(repo), *credentials(host))
    assert (status, how, headers["content-length"]) == (200, 0, "50")
    assert body.startswith(b"001e# service=git-upload-pack") and len(body) == 50


@pytest.mark.parametrize("action, curls", [("cut", CURL_PARTIAL), ("reset", CURL_RESET)])
def test_severed_inside_the_response(host, repo, curl, action, curls):
    repo.commit_files("main", {"big": bytes(range(256)) * 4096}, "big")
    host.fault(action, after_response_bytes=400, times=1)
    status, _, body, how = curl(refs(repo), *credentials(host))
    assert (status, how) == (200, curls) and len(body) < 400


def test_severed_after_the_push_has_happened(host, repo, pusher):
    host.fault("reset", match="/git-receive-pack", method="POST", after_response_bytes=0, times=1)
    assert pusher().returncode != 0
    assert repo.log()[0].subject == "mine"
    entry = host.requests(service="git-receive-pack", method="POST")[0]
    assert (entry["status"], entry["fault"]) == (200, "reset")


def test_severed_inside_the_request(host, repo, pusher):
    # not once only: libcurl repeats a request by itself when a kept connection ends without a byte
    host.fault("cut", service="git-receive-pack", method="POST", after_request_bytes=50)
    assert pusher().returncode != 0
    assert repo.log()[0].subject == "first"
    host.clear_faults()
    assert pusher().returncode == 0
    assert repo.log()[0].subject == "mine"


def test_somebody_pushes_at_exactly_this_moment(host, repo, pusher):
    race = {"repo": "acme/apps", "files": {"x.txt": "outside"}, "message": "outside"}
    host.fault("pass", service="git-receive-pack", method="POST", race_commit=race, times=1)
    done = pusher()
    assert "[remote rejected]" in done.stderr
    assert repo.log()[0].subject == "outside" and repo.read_file("x.txt") == b"outside"


def test_the_token_expires_at_exactly_this_moment(host, repo, pusher):
    host.fault("pass", service="git-receive-pack", method="POST", expire_tokens=True, times=1)
    done = pusher()
    assert done.returncode != 0 and repo.log()[0].subject == "first"
    assert host.requests(service="git-receive-pack", method="POST")[0]["status"] == 401


def test_requests_on_one_connection_and_chunked_bodies(host, repo, curl, tmp_path):
    wants = tmp_path / "wants"
    wants.write_bytes(f"0032want {repo.head()}\n00000009done\n".encode())
    status, _, answer, _ = curl(
        f"{repo.fault_url}/git-upload-pack",
        *credentials(host),
        *["-H", "Content-Type: application/x-git-upload-pack-request"],
        *["-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue"],
        *["--data-binary", f"@{wants}"],
    )
    assert status == 200 and answer.startswith(b"0008NAK\nPACK")
    address = urlsplit(host.info["faultGitBase"])
    with socket.create_connection((address.hostname, address.port), timeout=60) as sock:
        stream = sock.makefile("rwb")
        for _ in range(3):
            stream.write(b"GET /api/v3/zen HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n")
            stream.flush()
            assert stream.readline() == b"HTTP/1.1 404 Not Found\r\n"
            fields = dict(iter(lambda: stream.readline().strip().lower().split(b": "), [b""]))
            stream.read(int(fields[b"content-length"]))


def test_what_is_not_http_is_refused(host):
    address = urlsplit(host.info["adminUrl"])
    with socket.create_connection((address.hostname, address.port), timeout=60) as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_silent_connection_does_not_hold_up_others(host, repo, curl):
    host.fault("silent", match="waiting=1")
    thread = threading.Thread(target=curl, args=[refs(repo) + "&waiting=1"], kwargs={"limit": 1})
    thread.start()
    deadline = time.monotonic() + 60
    while host.faults()[0]["hits"] == 0:
        assert time.monotonic() < deadline
    assert curl(refs(repo))[0] == 401
    thread.join()
