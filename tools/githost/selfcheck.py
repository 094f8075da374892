# SPDX-License-Identifier: Apache-2.0
"""`githost.py check`: a host in a temporary folder, and git itself cloning and pushing."""

import json
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import jwt

from .client import Host
from .gitrepo import environment


def run():
    """Gives the exit status; prints one line for each step."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="githost-check-") as folder, Host.start(folder) as host:
        print(f"ok   host is up after {time.monotonic() - began:.2f} s")
        repo = host.create_repo("acme/apps")
        repo.commit_files("main", {"hello.txt": "hello\n"}, "first")
        token = _ask_for_token(host.info)
        print("ok   installation token for a signed JWT")
        _push_with_git(repo.url_with(token), Path(folder) / "clone", [])
        _push_with_git(
            repo.url_with(token, "gitBaseTls"),
            Path(folder) / "clone-tls",
            ["-c", f"http.sslCAInfo={host.info['caFile']}"],
        )
        if len(repo.log()) != 3 or repo.fsck():
            print("FAIL the repository does not hold what was pushed")
            return 1
        print("ok   clone and push over HTTP and TLS")
    return 0


def _ask_for_token(info):
    now = int(time.time())
    claims = {"iat": now - 60, "exp": now + 540, "iss": info["appId"]}
    assertion = jwt.encode(claims, Path(info["privateKeyFile"]).read_text(), "RS256")
    request = urllib.request.Request(
        f"{info['apiUrl']}/app/installations/{info['installationId']}/access_tokens",
        method="POST",
        headers={"Authorization": f"Bearer {assertion}"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["token"]


def _push_with_git(url, clone, options):
    who = ["-c", "user.name=Self Check", "-c", "user.email=check@example.com"]
    commands = [
        ["clone", "--quiet", url, str(clone)],
        ["-C", str(clone), "commit", "--quiet", "--allow-empty", "--message", clone.name],
        ["-C", str(clone), "push", "--quiet", "origin", "HEAD"],
    ]
    for command in commands:
        subprocess.run(["git", *options, *who, *command], check=True, env=environment())
