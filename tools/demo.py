#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline on one machine, with no account anywhere.

    demo.py run    starts a git host on loopback and the server, prints the token and the five calls, serves
    demo.py play   makes the five calls itself and shows what happened in git

Everything lies in the folder demo of the build, which is made anew each time. Needs what `tools/deps.sh build run` installs.
"""

import argparse
import http.client
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "fixtures")]

from githost.client import Host  # noqa: E402

import repos  # noqa: E402

BUILD = ROOT / os.environ.get("BUILD", "build")
GITSYNC = BUILD / "gitsync"
FOLDER = BUILD / "demo"
LISTEN = "127.0.0.1:8080"
TOKEN = "demo-access-token"
WORKSPACE = "11111111-1111-4111-8111-111111111111"
STATUSES = [201, 200, 201, 200, 200]


class Server:
    """gitsync serve on the demo's folder."""

    def __init__(self, listen):
        self.log = FOLDER / "gitsync.log"
        settings = {
            "EXTERNAL_API_ACCESS_TOKEN": TOKEN,
            "GITSYNC_ALLOW_LOOPBACK_HOSTS": "true",
            "GITSYNC_DATA": str(FOLDER / "data"),
            "GITSYNC_LISTEN": listen,
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GITSYNC_")}
        self.process = subprocess.Popen(
            [str(GITSYNC), "serve"], env=clean | settings, stderr=subprocess.PIPE, text=True
        )
        self.address = self._read_address()

    def _read_address(self):
        """Copies the log until the line that tells the address; None when the start failed."""
        with self.log.open("a") as log:
            for line in self.process.stderr:
                log.write(line)
                if '"event":"listening"' in line:
                    return json.loads(line)["address"]
        return None

    def follow(self):
        """Copies the log until the server ends."""
        with self.log.open("a") as log:
            for line in self.process.stderr:
                log.write(line)
                log.flush()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=15)

    def call(self, method, path, body):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        headers = {"Authorization": f"Basic {TOKEN}", "Content-Type": "application/json"}
        connection.request(method, f"/api/ext{path}", body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            sys.exit(f"{method} {path} was answered with {response.status}: {answer.decode()}")
        return json.loads(answer)


def start_server():
    """On the usual port, or on a free one when somebody else has it."""
    for listen in (LISTEN, "127.0.0.1:0"):
        server = Server(listen)
        if server.address:
            return server
        server.process.wait()
    sys.exit(f"the server did not start:\n{server.log.read_text()}")


def prepare(host, server):
    """A workspace with the sample app, and a repository that holds a colleague's app."""
    repo = host.create_repo("acme/apps")
    colleague = repos.app_named("Parts counter")
    repo.commit_files("main", repos.single_file_tree([colleague]), "App Parts counter created")
    server.call("POST", "/workspaces", json.dumps({"id": WORKSPACE, "name": "Demo"}))
    sample = (ROOT / "examples" / "sample-app.json").read_bytes()
    app = server.call("POST", f"/import/workspace/{WORKSPACE}/apps", sample)
    configuration = {
        "organizationId": WORKSPACE,
        "gitUrl": repo.url,
        "branchName": "main",
        "githubAppId": str(host.info["appId"]),
        "githubAppInstallationId": str(host.info["installationId"]),
        "githubAppPrivateKey": Path(host.info["privateKeyFile"]).read_text(),
        "githubEnterpriseApiUrl": host.info["apiUrl"],
    }
    file = FOLDER / "configuration.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(configuration, indent=2))
    return repo, app, colleague, file


def five_calls(server, app, colleague, configuration):
    """(what it does, the command) of each call of the documented API, in order."""
    base = f"http://{server.address}/api/ext"
    version = app["versions"][0]["id"]
    create = {
        "gitAppId": colleague.git_app_id,
        "gitVersionId": "main",
        "organizationId": WORKSPACE,
    }

    def curl(method, path, body=None):
        words = ["curl", "-sS", "-X", method, base + path, "-H", f"Authorization: Basic {TOKEN}"]
        words += ["-H", "Content-Type: application/json"]
        return shlex.join(words + (["-d", body] if body else []))

    return [
        (
            "associate the workspace with the repository",
            curl("POST", "/organization/git", f"@{configuration}"),
        ),
        (
            f"push version {app['versions'][0]['name']} of {app['name']} to git",
            curl(
                "POST",
                f"/apps/{app['id']}/versions/{version}/git-sync/push",
                json.dumps({"commitMessage": "First version from the demo"}),
            ),
        ),
        (
            "create a colleague's app from git",
            curl("POST", "/apps?createMode=git", json.dumps(create)),
        ),
        (
            f"pull what changed in git into {app['name']}",
            curl("PUT", f"/apps/{app['id']}?createMode=git"),
        ),
        (f"promote {app['name']} to production", curl("POST", f"/apps/{app['id']}/promote")),
    ]


def run(server, calls, repo):
    print(f"\ngitsync serves on http://{server.address}; its log is {server.log}")
    print(f"the repository on the git host is {repo.folder}")
    print(f"access token: {TOKEN}\n\nThe five calls, in order:")
    for number, (purpose, command) in enumerate(calls, 1):
        print(f"\n# {number}. {purpose}\n{command}")
    print("\nCtrl-C stops everything.", flush=True)
    server.follow()


def edit_in_git(repo, app):
    """What a colleague does on the git host: a new title in the file of the app's version."""
    path = f"{app['name']}/{app['versions'][0]['name']}.json"
    document = json.loads(repo.read_file(path))
    page = document["app"][0]["definition"]["appV2"]["pages"][0]
    page["name"] = page["name"] + " (edited in git)"
    text = json.dumps(document, indent=2, ensure_ascii=False)
    repo.commit_files("main", {path: text}, "A colleague renames a page on the git host")


def shorten(answer):
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    lines = text.splitlines()
    return "\n".join(lines if len(lines) <= 40 else lines[:38] + ["  …", "}"])


def play(server, calls, repo, app):
    for number, (purpose, command) in enumerate(calls, 1):
        if number == 4:
            edit_in_git(repo, app)
            print("\n(meanwhile a colleague renames a page on the git host)")
        print(f"\n# {number}. {purpose}\n{command}")
        words = shlex.split(command) + ["-w", "\n%{http_code}"]
        answer, _, status = subprocess.check_output(words, text=True).rpartition("\n")
        print(f"-> {status}\n{shorten(json.loads(answer))}")
        if int(status) != STATUSES[number - 1]:
            sys.exit(f"expected {STATUSES[number - 1]}")
    print("\nWhat happened in git:\n")
    print(repo.text("log", "--stat", "--format=%h %an: %s", "main"))
    complaints = repo.fsck()
    print(f"git fsck --strict: {complaints or 'clean'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["run", "play"])
    mode = parser.parse_args().mode
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, mode=0o700)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Host.start(FOLDER / "githost", tls=False) as host:
        server = start_server()
        try:
            repo, app, colleague, configuration = prepare(host, server)
            calls = five_calls(server, app, colleague, configuration)
            if mode == "run":
                run(server, calls, repo)
            else:
                play(server, calls, repo, app)
        except KeyboardInterrupt:
            print()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
