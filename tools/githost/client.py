# SPDX-License-Identifier: Apache-2.0
"""The host from a test's or a script's point of view: start it, shape it, look at what happened.

    with Host.start(folder) as host:
        repo = host.create_repo("acme/apps")
        repo.commit_files("main", {"a.txt": "1\\n"}, "first")

Needs only the standard library; the host itself runs under Debian's Python.
"""

import json
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from .gitrepo import GitRepo

PROGRAM = Path(__file__).resolve().with_name("githost.py")
STOP_SECONDS = 10


class HostError(Exception):
    """The host did not start or refused an admin call."""


class Repo(GitRepo):
    """A repository of the host: everything of GitRepo, and its addresses."""

    def __init__(self, host, name):
        super().__init__(Path(host.info["gitRoot"]) / f"{name}.git")
        self.host = host
        self.name = name

    @property
    def url(self):
        return f"{self.host.info['gitBase']}/{self.name}.git"

    @property
    def tls_url(self):
        return f"{self.host.info['gitBaseTls']}/{self.name}.git"

    @property
    def fault_url(self):
        return f"{self.host.info['faultGitBase']}/{self.name}.git"

    def url_with(self, token, base="gitBase"):
        """An address for git's own command line, the token in it; base is a key of host.json."""
        scheme, rest = self.host.info[base].split("://")
        return f"{scheme}://x-access-token:{token}@{rest}/{self.name}.git"


class Host:
    """A running host; info is what its host.json tells."""

    def __init__(self, info, process=None, scratch=None):
        self.info = info
        self._process = process
        self._scratch = scratch

    @classmethod
    def start(cls, folder=None, *, tls=True, arguments=()):
        """Starts a host that ends with this object, and at the latest with this process.

        Without a folder a temporary one is used and removed.
        """
        scratch = None if folder else tempfile.TemporaryDirectory(prefix="githost-")
        folder = Path(folder or scratch.name)
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(PROGRAM), "start", "--lifeline", "--dir", str(folder), *arguments]
        log = (folder / "githost.log").open("ab")
        with log:
            process = subprocess.Popen(
                command + (["--tls"] if tls else []),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        told = process.stdout.readline().decode().strip()
        if not told:
            process.wait()
            raise HostError(f"the host did not start:\n{(folder / 'githost.log').read_text()}")
        return cls(json.loads(Path(told).read_text()), process, scratch)

    @classmethod
    def attach(cls, folder):
        """A host that somebody else started in that folder."""
        return cls(json.loads((Path(folder) / "host.json").read_text()))

    def stop(self):
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None
        if self._scratch:
            self._scratch.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def call(self, method, path, /, **body):
        """One call of the admin interface."""
        request = urllib.request.Request(
            self.info["adminUrl"] + path, json.dumps(body).encode(), method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise HostError(f"{method} {path}: {error.read().decode()}") from error

    # Repositories

    def create_repo(self, name, *, branch="main", seed=None):
        """seed is a git bundle or a folder of files."""
        body = {"name": name, "branch": branch} | ({"seed": str(seed)} if seed else {})
        self.call("POST", "/repos", **body)
        return self.repo(name)

    def repo(self, name):
        return Repo(self, name)

    def repos(self):
        return self.call("GET", "/repos")

    def delete_repo(self, name):
        self.call("DELETE", f"/repos/{name}")

    # Apps, installations and tokens

    def create_app(self, app_id, slug, owner="acme"):
        """{appId, slug, privateKeyFile, pkcs8File}"""
        return self.call("POST", "/apps", appId=app_id, slug=slug, owner=owner)

    def create_installation(self, app_id, account, **members):
        """members: installationId, permissions, repositories (None: all of the account)."""
        return self.call("POST", "/installations", appId=app_id, account=account, **members)

    def change_installation(self, installation_id=None, **members):
        """members: permissions, repositories, suspended."""
        number = self._installation(installation_id)
        return self.call("PATCH", f"/installations/{number}", **members)

    def delete_installation(self, installation_id):
        self.call("DELETE", f"/installations/{installation_id}")

    def token(self, installation_id=None, **members):
        """A fresh token, as a string; members: permissions, repositories (owner/name)."""
        number = self._installation(installation_id)
        return self.call("POST", "/tokens", installationId=number, **members)["token"]

    def expire_tokens(self):
        """Ends all tokens there are; gives how many."""
        return self.call("POST", "/tokens/expire")["expired"]

    def settings(self, **changes):
        """Changes and gives them: tokenTtl (seconds), tokenLength, rateLimit (calls an hour)."""
        return self.call("PATCH", "/settings", **changes)

    def _installation(self, number):
        return int(number or self.info["installationId"])

    # Faults and the log of requests

    def fault(self, action, **members):
        """Adds a rule, see README.md; the first rule that fits a request decides."""
        return self.call("POST", "/faults", action=action, **members)["id"]

    def faults(self):
        """The rules with their hits."""
        return self.call("GET", "/faults")

    def hits(self, number):
        """How many requests have come to a rule, those that it let pass included."""
        return next(rule["hits"] for rule in self.faults() if rule["id"] == number)

    def remove_fault(self, number):
        """Ends one rule; a request that it holds goes on."""
        self.call("DELETE", f"/faults/{number}")

    def clear_faults(self):
        self.call("DELETE", "/faults")

    def requests(self, **wanted):
        """The requests so far, oldest first; wanted filters by members, e.g. service=, method=."""
        entries = self.call("GET", "/requests")
        return [e for e in entries if all(e.get(key) == value for key, value in wanted.items())]

    def reset_requests(self):
        self.call("DELETE", "/requests")
