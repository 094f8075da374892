# SPDX-License-Identifier: Apache-2.0
"""A bare repository through git's plumbing: commits without a work tree, and all a test looks at.

Works on a folder; knows nothing of the host that serves it. Calls block.
"""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

AUTHOR = "Octo Outsider <outsider@example.com>"
SETTINGS = {
    "http.receivepack": "true",
    "receive.fsckObjects": "true",
    "receive.autogc": "false",
    "receive.advertisePushOptions": "true",
    "gc.auto": "0",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowReachableSHA1InWant": "true",
}
PROTECTED_HOOK = """#!/bin/sh
# Refuses updates of the branches listed as githost.protected, the way a branch protection does.
if git config --get-all githost.protected | grep -qxF "${1#refs/heads/}"; then
    echo "error: GH006: Protected branch update failed for $1." >&2
    exit 1
fi
"""


class GitError(Exception):
    """git said no; the text is what it wrote to stderr."""


@dataclass
class Commit:
    sha: str
    parents: list
    author: str
    email: str
    committer: str
    subject: str
    message: str


def environment():
    """The environment for git: nothing of the caller's configuration, no prompts."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


class GitRepo:
    def __init__(self, folder):
        self.folder = Path(folder)

    @classmethod
    def create(cls, folder, branch="main", seed=None):
        """A new bare repository; seed is a git bundle or a folder of files."""
        repo = cls(folder)
        command = ["git", "init", "--quiet", "--bare", f"--initial-branch={branch}", str(folder)]
        _run(command)
        repo._write_settings()
        if seed is not None:
            repo._seed(Path(seed), branch)
        return repo

    def _write_settings(self):
        with (self.folder / "config").open("a") as config:
            for key, value in SETTINGS.items():
                section, name = key.split(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")

    def _seed(self, source, branch):
        if source.is_dir():
            files = {
                str(path.relative_to(source)): path.read_bytes()
                for path in sorted(source.rglob("*"))
                if path.is_file() and ".git" not in path.relative_to(source).parts
            }
            self.commit_files(branch, files, "Initial commit")
        else:
            refs = [f"+refs/{kind}/*:refs/{kind}/*" for kind in ("heads", "tags")]
            self.git("fetch", "--quiet", str(source.resolve()), *refs)

    def git(self, *arguments, data=None):
        """Runs git in the repository and gives its stdout as bytes."""
        return _run(["git", f"--git-dir={self.folder}", *arguments], data)

    def text(self, *arguments, data=None):
        return self.git(*arguments, data=data).decode("utf-8", "surrogateescape").rstrip("\n")

    # Looking

    def head(self, ref="main"):
        """The commit a branch, tag or commit name stands for, or None."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        except GitError:
            return None

    def branches(self):
        """{branch: commit}, sorted by name."""
        return self._refs("refs/heads/")

    def tags(self):
        """{tag: commit it peels to}, sorted by name."""
        return self._refs("refs/tags/")

    def _refs(self, prefix):
        commit = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        lines = self.text("for-each-ref", f"--format=%(refname) {commit}", prefix).splitlines()
        return {name[len(prefix) :]: sha for name, sha in (line.rsplit(" ", 1) for line in lines)}

    def default_branch(self):
        return (self.folder / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")

    def read_file(self, path, ref="main"):
        """The bytes of a file, or None when the revision does not have it."""
        if path not in self.ls_tree(ref):
            return None
        return self.git("cat-file", "blob", f"{ref}:{path}")

    def ls_tree(self, ref="main"):
        """{path: blob id} of all files of a revision; empty for a branch that does not exist."""
        if self.head(ref) is None:
            return {}
        records = self.git("ls-tree", "-r", "-z", "--full-tree", ref).split(b"\0")[:-1]
        pairs = (record.split(b"\t", 1) for record in records)
        return {os.fsdecode(path): about.split()[2].decode() for about, path in pairs}

    def files(self, ref="main"):
        """{path: bytes} of all files of a revision."""
        tree = self.ls_tree(ref)
        return {path: self.git("cat-file", "blob", blob) for path, blob in tree.items()}

    def log(self, ref="main", limit=100):
        """The commits reachable from ref, newest first."""
        form = "--format=%H%x1f%P%x1f%an%x1f%ae%x1f%cn%x1f%s%x1f%B%x1e"
        raw = self.text("log", f"--max-count={limit}", form, ref, "--")
        records = filter(None, (record.strip("\n") for record in raw.split("\x1e")))
        return [_parse_commit(*record.split("\x1f")) for record in records]

    def fsck(self):
        """What `git fsck --strict` complains about; an empty string for a sound repository."""
        try:
            return self.text("fsck", "--strict", "--no-dangling", "--no-progress")
        except GitError as cause:
            return str(cause)

    # Changing, the way somebody else would who pushes past the product

    def commit_files(
        self, branch, files, message, *, author=AUTHOR, orphan=False, parent=None, when=None
    ):
        """Commits {path: content} onto a branch and gives the commit's id.

        A content is bytes or str, None to delete, or (mode, content) for 100755 and 120000.
        orphan starts a new history and parent builds on another revision; both replace the branch.
        """
        base = parent or (None if orphan else self.head(branch))
        who = f"{author} {int(when if when is not None else time.time())} +0000"
        text = message.encode()
        stream = [
            f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\n".encode(),
            b"data %d\n%s\n" % (len(text), text),
            f"from {base}\n".encode() if base else b"",
        ]
        stream += [_file_command(path, content) for path, content in files.items()]
        reset = [f"reset refs/heads/{branch}\n\n".encode()] if orphan else []
        force = ["--force"] if orphan or parent else []
        self.git("fast-import", "--quiet", *force, data=b"".join(reset + stream) + b"\n")
        return self.head(f"refs/heads/{branch}")

    def force_push(self, branch, files, message):
        """Replaces a branch by one new commit without a parent."""
        return self.commit_files(branch, files, message, orphan=True)

    def set_branch(self, branch, revision):
        """Makes or moves a branch, to wherever it is told."""
        self.git("update-ref", f"refs/heads/{branch}", self.head(revision))

    def delete_branch(self, branch):
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def tag(self, name, revision="main", message=None):
        """A tag on a revision, annotated when there is a message."""
        who = ["-c", "user.name=Octo Outsider", "-c", "user.email=outsider@example.com"]
        note = ["--annotate", "--message", message] if message is not None else []
        self.git(*who, "tag", *note, name, self.head(revision))

    def protect(self, branch, protected=True):
        """Refuses pushes to a branch, or allows them again."""
        hook = self.folder / "hooks" / "update"
        hook.write_text(PROTECTED_HOOK)
        hook.chmod(0o755)
        try:
            self.git("config", "--unset-all", "githost.protected", f"^{re.escape(branch)}$")
        except GitError:
            pass  # it was not protected before
        if protected:
            self.git("config", "--add", "githost.protected", branch)


def _run(command, data=None):
    done = subprocess.run(command, input=data or b"", capture_output=True, env=environment())
    if done.returncode != 0:
        text = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise GitError(f"git {command[2]}: {text or f'exit status {done.returncode}'}")
    return done.stdout


def _parse_commit(sha, parents, author, email, committer, subject, message):
    return Commit(sha, parents.split(), author, email, committer, subject, message.rstrip("\n"))


def _file_command(path, content):
    """One file of a fast-import commit; the path in C quotes, which take any byte."""
    mode, content = content if isinstance(content, tuple) else ("100644", content)
    quoted = b'"%s"' % b"".join(_quote_byte(byte) for byte in os.fsencode(path))
    if content is None:
        return b"D %s\n" % quoted
    raw = content.encode() if isinstance(content, str) else content
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(raw), raw)


def _quote_byte(byte):
    if byte in b'"\\':
        return b"\\%c" % byte
    return b"\\%03o" % byte if byte < 0x20 or byte == 0x7F else b"%c" % byte
