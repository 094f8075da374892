# SPDX-License-Identifier: Apache-2.0
"""A place whose git host sits behind the fault proxy, under an App of its own, and what must hold after any fault.

Every answer is kept, so that a test can look for secrets in all of them.
"""

import re
import time
import uuid
from pathlib import Path

from client import Client
from place import Place, unique

OPEN_STATES = ("queued", "running", "committed")
SETTLE_SECONDS = 30
# Installation tokens of the host, JSON web tokens (head and claims; one part alone is also found in random text), and Basic
# credentials with a token inside.
SECRET = re.compile(rb"ghs_[A-Za-z0-9]{8}|eyJ[A-Za-z0-9_-]+\.eyJ|eC1hY2Nlc3MtdG9rZW4")


class WatchedClient(Client):
    """Keeps what was answered."""

    def __init__(self, daemon, **members):
        super().__init__(daemon, **members)
        self.answers = []

    def send(self, method, path, body=None, *, headers=None):
        answer = super().send(method, path, body, headers=headers)
        self.answers.append(answer)
        return answer


class FaultyPlace(Place):
    """Its own App, so that no other test's token or limit gets in the way."""

    def __init__(self, daemon, host, repo, **changes):
        number = uuid.uuid4().int % 10**9 + 10**6
        made = host.create_app(number, unique("app"))
        self.installation = host.create_installation(number, "acme")["installationId"]
        self.key = Path(made["privateKeyFile"]).read_text()
        usual = {
            "gitUrl": repo.fault_url,
            "githubEnterpriseApiUrl": host.info["faultApiUrl"],
            "githubAppId": str(number),
            "githubAppInstallationId": str(self.installation),
            "githubAppPrivateKey": self.key,
        }
        super().__init__(WatchedClient(daemon), host, repo, **(usual | changes))
        self.daemon = daemon

    def api_fault(self, action, **members):
        """Strikes the minting of this place's tokens."""
        return self.host.fault(action, match=f"/installations/{self.installation}/", **members)

    def git_fault(self, action, **members):
        return self.host.fault(action, match=f"/{self.repo.name}.git/", **members)

    def advert_fault(self, action, service="git-receive-pack", **members):
        return self.git_fault(action, method="GET", service=service, **members)

    def post_fault(self, action, service="git-receive-pack", **members):
        return self.git_fault(action, method="POST", service=service, **members)

    def hold_advert(self, **members):
        """The next request of that kind stays at the host until it is let go."""
        return self.advert_fault("pass", hold=True, times=1, **members)

    def hold_post(self, **members):
        return self.post_fault("pass", hold=True, times=1, **members)

    def let_go(self, held):
        self.host.remove_fault(held)

    def settled(self):
        """All operations of the organization, once none is open any more."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            entries = self.client.operations(organizationId=self.id).ok()["data"]
            if all(entry["state"] not in OPEN_STATES for entry in entries):
                return entries
            assert time.monotonic() < deadline, f"operations are still open: {entries}"
            time.sleep(0.05)

    def messages(self):
        return [commit.message.strip() for commit in self.repo.log(limit=10000)]

    def assert_sound(self):
        """Nothing is doubled or damaged in git, and no secret has left the server."""
        messages = [message for message in self.messages() if message != "Push"]  # the usual one
        assert len(messages) == len(set(messages)), messages
        assert self.repo.fsck() == ""
        self.assert_no_secrets()

    def assert_no_secrets(self):
        told = b"\n".join(
            [self.daemon.log().encode()]
            + [str(answer.headers).encode() + answer.body for answer in self.client.answers]
        )
        assert not SECRET.search(told), SECRET.search(told)
        for line in self.key.splitlines():
            assert line.startswith("-----") or line.encode() not in told


def assert_readable(error):
    """A message for a person: no code, no number of libcurl's, no address beyond host and port."""
    message = error["message"]
    assert 10 < len(message) < 600 and message.isprintable(), message
    assert "CURLE" not in message and "errno" not in message and "(null)" not in message, message
    assert "x-access-token" not in message and "service=git" not in message, message
