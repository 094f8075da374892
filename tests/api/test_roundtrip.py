# SPDX-License-Identifier: Apache-2.0
"""Whole repositories go through the server: from git into it, out as an export, into another git.

The repositories are those of tests/fixtures, and real ones where a folder with bundles is at hand:
GITSYNC_CORPUS, or ../shared/corpus beside the checkout.
"""

import json
import os
from pathlib import Path

import pytest
from make_app import app_v2_of
from place import META, path_in_git, unique
from repos import build_repo

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("GITSYNC_CORPUS", ROOT.parent / "shared" / "corpus"))
FIXTURES = ("plain", "odd-names", "edited", "foreign", "ancient", "broken")
BUNDLES = sorted(path.name for path in CORPUS.glob("single-*.bundle"))
MEMBERS = [
    "gitAppName",
    "lastCommitMessage",
    "gitVersionId",
    "lastpushDate",
    "gitVersionName",
    "lastCommitUser",
]


def carry_through(place, target, entries, say):
    """entries are those of the source's meta.json; say takes the number of apps in the end."""
    files = {app_id: place.repo.read_file(path_in_git(entry)) for app_id, entry in entries.items()}
    created = {app_id: create(place, app_id, files[app_id]) for app_id in entries}
    place.configure(gitUrl=target.tls_url).ok(201)
    for app_id, entry in entries.items():
        app, version = created[app_id]["id"], created[app_id]["version"]["id"]
        message = entry["lastCommitMessage"] or "Carry it over"
        assert place.client.push(app, version, message).ok()["status"] == "pushed"
        assert place.client.pull(app).ok()["status"] == "up_to_date"
    compare(target, entries, files)
    for app_id in entries:
        import_again(place, files[app_id])
    say(len(entries))


def create(place, app_id, expected):
    """Creates the app from git; what an export gives is the file in git, to the byte."""
    created = place.client.create(place.id, gitAppId=app_id, gitVersionId="main").ok(201)
    assert place.client.export(place.id, created["id"]).body == expected
    return created


def compare(target, entries, files):
    """The target has the same files, and the same entries in the product's order of members."""
    expected = {path_in_git(entry): files[app_id] for app_id, entry in entries.items()}
    found = target.files()
    meta = json.loads(found.pop(META))
    assert found == expected
    assert list(meta) == list(entries)
    for app_id, entry in entries.items():
        assert list(meta[app_id]) == MEMBERS
        for member in ("gitAppName", "gitVersionName"):
            assert meta[app_id][member] == entry[member]
        assert meta[app_id]["gitVersionId"] == version_of(files[app_id], entry)
    assert target.fsck() == ""


def versions_in(content):
    document = json.loads(content)
    app = document["appV2"] if "appV2" in document else app_v2_of(document)
    return {version["id"] for version in app["appVersions"]}


def version_of(content, entry):
    """What the entry says, unless the document has no such version."""
    ids = versions_in(content)
    return entry["gitVersionId"] if entry["gitVersionId"] in ids else ids.pop()


def import_again(place, content):
    """A document of one version survives an import, too; a final line feed is no part of JSON."""
    if len(versions_in(content)) > 1:
        return
    workspace = place.client.create_workspace(unique("workspace")).ok(201)["id"]
    made = place.client.import_app(workspace, content).ok(201)
    assert place.client.export(workspace, made["id"]).body == content.removesuffix(b"\n")


@pytest.fixture
def say(record_property):
    def tell(count):
        record_property("apps", count)
        print(f"{count} apps")

    return tell


@pytest.mark.parametrize("name", FIXTURES)
def test_a_repository_of_our_own(make_place, make_repo, say, name):
    source = make_repo(files=None)
    apps = build_repo(source, name)
    place = make_place(source)
    meta = place.meta()
    sound = {app.git_app_id for app in apps.values()}
    entries = {app_id: entry for app_id, entry in meta.items() if app_id in sound}
    assert len(entries) == len(apps) > 0
    carry_through(place, make_repo(files=None), entries, say)


@pytest.mark.skipif(not BUNDLES, reason="no folder with bundles of real repositories")
@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_real_repository(host, make_place, make_repo, say, bundle):
    name = unique("acme/real")
    source = host.create_repo(name, seed=CORPUS / bundle)
    place = make_place(source, configured=False)
    if "main" not in source.branches():
        source.set_branch("main", next(iter(source.branches())))
    place.configure().ok(201)
    entries = place.meta()
    assert entries
    carry_through(place, make_repo(files=None), entries, say)
