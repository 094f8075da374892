# SPDX-License-Identifier: Apache-2.0
"""Every commit of whole repositories through the layouts: our fixtures, and real ones where they are.

GITSYNC_CORPUS names a folder of git bundles; without it the folder corpus of ../shared counts when
it is there. GITSYNC_ROUNDTRIP is the program of roundtrip.c.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "fixtures")]

import repos  # noqa: E402
from githost.gitrepo import GitRepo, environment  # noqa: E402

BUILD = ROOT / os.environ.get("BUILD", "build")
PROGRAM = Path(os.environ.get("GITSYNC_ROUNDTRIP", BUILD / "tests/corpus/roundtrip"))
CORPUS = Path(os.environ.get("GITSYNC_CORPUS", ROOT.parent / "shared" / "corpus"))
CONVERSION = Path(os.environ.get("GITSYNC_CONVERSION", BUILD / "tests/corpus/conversion"))
BUNDLES = sorted(CORPUS.glob("*.bundle"))
# How many files of merged-in versions, which belong to no document, the real repositories have.
LEFT = {"entity-a": 33}
# How many of their trees cannot be converted: a key stands twice in appMeta.json, or old documents have several versions.
REFUSED = {"entity-a": 6, "single-b": 8}


@pytest.fixture
def travel(tmp_path, capsys):
    """Carries all commits of a repository through the program; gives its counts."""

    def run(folder, name):
        listed = ["git", "-C", folder, "rev-list", "--all", "--reverse"]
        commits = subprocess.run(listed, env=environment(), capture_output=True, check=True).stdout
        done = subprocess.run(
            [PROGRAM, folder, tmp_path / "scratch"],
            input=commits, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        counts = json.loads(done.stdout)
        with capsys.disabled():
            print(f"\n{name}: {counts}")
        return counts

    return run


@pytest.fixture
def convert(capsys):
    """Converts the tree of every commit there and back; gives the counts and why some were refused."""

    def run(folder, name):
        listed = ["git", "-C", folder, "rev-list", "--all", "--reverse"]
        commits = subprocess.run(listed, env=environment(), capture_output=True, check=True).stdout
        done = subprocess.run([CONVERSION, folder], input=commits, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        counts = json.loads(done.stdout)
        with capsys.disabled():
            print(f"\n{name}: {counts}")
        assert counts["reasons"] >= counts["refused"]
        return counts, done.stderr.decode()

    return run


@pytest.mark.parametrize("name", sorted(repos.BUILDERS))
def test_fixture(tmp_path, travel, name):
    repo = GitRepo.create(tmp_path / "fixture.git")
    apps = repos.build_repo(repo, name)
    counts = travel(repo.folder, name)
    assert counts["apps"] >= len(apps)
    assert counts["unreadable"] == counts["left"] == 0
    assert counts["missing"] == (1 if name == "broken" else 0)
    if name not in ("edited", "broken"):
        assert counts["exactMetas"] == counts["metas"]


@pytest.mark.parametrize("bundle", BUNDLES, ids=[path.stem for path in BUNDLES])
def test_real_repository(tmp_path, travel, bundle):
    folder = tmp_path / "real.git"
    clone = ["git", "clone", "--quiet", "--mirror", bundle, folder]
    subprocess.run(clone, env=environment(), check=True)
    counts = travel(folder, bundle.stem)
    assert counts["apps"] > 0
    assert counts["left"] == LEFT.get(bundle.stem, 0)
    if bundle.stem.startswith("single"):
        assert counts["unreadable"] == counts["missing"] == 0
        assert counts["exactMetas"] == counts["metas"]


@pytest.mark.parametrize("name", sorted(repos.BUILDERS))
def test_fixture_converted(tmp_path, convert, name):
    repo = GitRepo.create(tmp_path / "fixture.git")
    repos.build_repo(repo, name)
    counts, reasons = convert(repo.folder, name)
    assert counts["refused"] == {"ancient": 2, "broken": 1}.get(name, 0), reasons


@pytest.mark.parametrize("bundle", BUNDLES, ids=[path.stem for path in BUNDLES])
def test_real_repository_converted(tmp_path, convert, bundle):
    folder = tmp_path / "real.git"
    clone = ["git", "clone", "--quiet", "--mirror", bundle, folder]
    subprocess.run(clone, env=environment(), check=True)
    counts, reasons = convert(folder, bundle.stem)
    assert counts["apps"] > 0
    assert counts["refused"] == REFUSED.get(bundle.stem, 0), reasons
