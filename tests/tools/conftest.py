# SPDX-License-Identifier: Apache-2.0
"""What the tests of the tools share: one githost for all, with git, curl and openssl as witnesses."""

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "fixtures")]

from githost.client import Host  # noqa: E402
from githost.gitrepo import environment  # noqa: E402

AS_SOMEBODY = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.com"]


@pytest.fixture(scope="session")
def running_host(tmp_path_factory):
    with Host.start(tmp_path_factory.mktemp("githost")) as host:
        yield host


@pytest.fixture
def host(running_host):
    """The host without repositories, faults, log entries or changed settings."""
    for name in running_host.repos():
        running_host.delete_repo(name)
    running_host.clear_faults()
    running_host.settings(tokenTtl=3600, tokenLength=36, rateLimit=5000)
    running_host.change_installation(
        permissions={"contents": "write", "metadata": "read"}, repositories=None, suspended=False
    )
    running_host.reset_requests()
    return running_host


@pytest.fixture
def repo(host):
    """acme/apps with one commit on main."""
    repo = host.create_repo("acme/apps")
    repo.commit_files("main", {"hello.txt": "hello\n"}, "first")
    return repo


@pytest.fixture
def git(tmp_path):
    """git's command line, run in an empty folder; gives the finished process."""

    def run(*arguments, cwd=tmp_path, check=True, config=()):
        options = [word for item in config for word in ("-c", item)]
        done = subprocess.run(
            ["git", *AS_SOMEBODY, *options, *map(str, arguments)],
            cwd=cwd,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def curl(tmp_path):
    """curl's command line; gives (status, headers as a lower-case dict, body, exit status)."""

    def run(url, *arguments, limit=20):
        head, body = tmp_path / "head", tmp_path / "body"
        for file in (head, body):
            file.write_bytes(b"")
        command = ["curl", "-sS", "--max-time", str(limit), "-D", str(head), "-o", str(body)]
        done = subprocess.run(
            [*command, "-w", "%{http_code}", *arguments, url], capture_output=True, text=True
        )
        lines = head.read_text("latin-1").splitlines()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        fields = {key.lower(): value for key, value in fields.items()}
        return int(done.stdout), fields, body.read_bytes(), done.returncode

    return run


@pytest.fixture
def make_jwt(host):
    """A JWT signed by openssl's command line."""

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def make(key=host.info["privateKeyFile"], alg="RS256", drop=(), **changes):
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": host.info["appId"]} | changes
        for name in drop:
            del claims[name]
        parts = [{"alg": alg, "typ": "JWT"}, claims]
        message = b".".join(encode(json.dumps(part).encode()) for part in parts)
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", key],
            input=message,
            capture_output=True,
            check=True,
        )
        return (message + b"." + encode(signed.stdout)).decode()

    return make
