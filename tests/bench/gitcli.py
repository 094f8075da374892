# SPDX-License-Identifier: Apache-2.0
"""The competitor: git's own command line on a warm clone.

Timed are the three commands that nobody can leave out: fetch, commit-tree, push. What prepares the tree
between them runs untimed, in git's favour.
"""

import os
import subprocess
import time


class Clone:
    def __init__(self, repo, host, folder, branch="main"):
        self.folder = folder
        self.branch = branch
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {
            "GIT_AUTHOR_NAME": "git",
            "GIT_AUTHOR_EMAIL": "git@example.com",
            "GIT_COMMITTER_NAME": "git",
            "GIT_COMMITTER_EMAIL": "git@example.com",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
        }
        url = repo.url_with(host.token())
        subprocess.run(
            ["git", "clone", "-q", "--no-checkout", url, str(folder)],
            check=True,
            env=self.environment,
        )

    def output(self, *words, data=None):
        command = ["git", "-C", str(self.folder), *words]
        done = subprocess.run(
            command, input=data, stdout=subprocess.PIPE, check=True, env=self.environment
        )
        return done.stdout

    def git(self, *words, data=None):
        return self.output(*words, data=data).decode().strip()

    def make_tree(self, parent, path, content):
        """The parent's tree with the content at the path."""
        blob = self.git("hash-object", "-w", "--stdin", data=content)
        self.git("read-tree", parent)
        self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        return self.git("write-tree")

    def push_file(self, path, content):
        """Seconds that fetch, commit-tree and push took together."""
        seconds, _ = self._timed("fetch", "-q", "origin", self.branch)
        tree = self.make_tree("FETCH_HEAD", path, content)
        spent, commit = self._timed("commit-tree", tree, "-p", "FETCH_HEAD", "-m", "A push by git")
        seconds += spent
        spent, _ = self._timed("push", "-q", "origin", f"{commit}:refs/heads/{self.branch}")
        return seconds + spent

    def _timed(self, *words):
        start = time.perf_counter()
        answer = self.git(*words)
        return time.perf_counter() - start, answer
