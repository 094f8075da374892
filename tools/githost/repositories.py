# SPDX-License-Identifier: Apache-2.0
"""The folder of bare repositories, <root>/<owner>/<repo>.git; the folder itself is the list."""

import re
import shutil

from .gitrepo import GitRepo

NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class BadName(ValueError):
    """Not a name GitHub would take."""


class Repositories:
    def __init__(self, root):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def names(self):
        """owner/name of every repository, sorted."""
        found = self.root.glob("*/*.git")
        return sorted(f"{path.parent.name}/{path.name[:-4]}" for path in found)

    def find(self, owner, name):
        """owner/name in its true spelling, or None; like GitHub without regard to case."""
        if not _is_name(owner) or not _is_name(name):
            return None
        if self.folder(f"{owner}/{name}").is_dir():
            return f"{owner}/{name}"
        wanted = f"{owner}/{name}".lower()
        return next((full for full in self.names() if full.lower() == wanted), None)

    def folder(self, full_name):
        return self.root / f"{full_name}.git"

    def open(self, full_name):
        return GitRepo(self.folder(full_name))

    def create(self, full_name, branch="main", seed=None):
        owner, _, name = full_name.partition("/")
        if not _is_name(owner) or not _is_name(name) or name.endswith(".git"):
            raise BadName(f"{full_name!r} is not <owner>/<repository>")
        if self.find(owner, name):
            raise BadName(f"{full_name} is there already")
        self.folder(full_name).parent.mkdir(exist_ok=True)
        return GitRepo.create(self.folder(full_name), branch, seed)

    def delete(self, full_name):
        shutil.rmtree(self.folder(full_name))


def _is_name(text):
    return NAME.fullmatch(text) and text not in (".", "..")
