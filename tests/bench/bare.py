# SPDX-License-Identifier: Apache-2.0
"""The floor: the bare exchange that no push can do without, replayed by hand.

`POST git-receive-pack` with a pack that was made ready beforehand, on a connection that is open already. What
it takes is the host's time and the wire's; nobody can push faster through the same host.
"""

import base64
import http.client
import urllib.parse

from gitcli import Clone
from table import timed


class Bare:
    def __init__(self, repo, host, folder, branch="main"):
        self.clone = Clone(repo, host, folder, branch)
        self.branch = branch
        self.tip = self.clone.git("rev-parse", f"origin/{branch}")
        address = urllib.parse.urlsplit(repo.url)
        self.path = f"{address.path}/git-receive-pack"
        self.connection = http.client.HTTPConnection(address.netloc, timeout=120)
        user = base64.b64encode(f"x-access-token:{host.token()}".encode()).decode()
        self.headers = {
            "Authorization": f"Basic {user}",
            "Content-Type": "application/x-git-receive-pack-request",
            "Accept": "application/x-git-receive-pack-result",
        }

    def push_seconds(self, *files):
        """What the exchange takes that carries a commit for each (path, content)."""
        tip = self.tip
        for path, content in files:
            tree = self.clone.make_tree(tip, path, content)
            tip = self.clone.git("commit-tree", tree, "-p", tip, "-m", "A bare push")
        # Objects as they are, as gitsync sends them: a delta would be the host's work.
        pack = self.clone.output(
            *("pack-objects", "-q", "--stdout", "--revs", "--window=0"),
            data=f"{tip}\n^{self.tip}\n".encode(),
        )
        command = f"{self.tip} {tip} refs/heads/{self.branch}\0report-status side-band-64k".encode()
        body = f"{len(command) + 4:04x}".encode() + command + b"0000" + pack
        seconds = timed(lambda: self._post(body))
        self.tip = tip
        return seconds

    def _post(self, body):
        self.connection.request("POST", self.path, body, self.headers)
        answer = self.connection.getresponse()
        report = answer.read()
        if answer.status != 200 or f"ok refs/heads/{self.branch}".encode() not in report:
            raise RuntimeError(f"the bare push was refused: {answer.status} {report!r}")
