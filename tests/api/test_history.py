# SPDX-License-Identifier: Apache-2.0
"""The commits of an app, newest first, page by page, through new names and merges."""

import json
import uuid

import pytest
from jsbytes import to_js_bytes
from place import META, as_version, with_text

MEMBERS = ["sha", "parent", "message", "author", "committedAt", "url"]


def shas(page):
    return [commit["sha"] for commit in page["data"]]


def edited(place, app, text):
    """A further commit of the app, pushed from here."""
    place.edit(app, with_text(app.document, text))
    return place.push(app, f"Say {text}").ok()["commit"]["sha"]


def all_pages(client, app, limit):
    pages = [client.history(app.id, limit=limit).ok()]
    while pages[-1]["nextCursor"]:
        pages.append(client.history(app.id, limit=limit, cursor=pages[-1]["nextCursor"]).ok())
    return pages


def test_newest_first(place, client):
    app = place.new_app()
    first = place.push(app, "Orders for everybody\n\nand more").ok()["commit"]
    commits = [edited(place, app, f"text {i}") for i in range(3)]
    with place.unchanged():
        page = client.history(app.id).ok()
    assert list(page) == ["branch", "head", "data", "nextCursor"]
    assert (page["branch"], page["head"], page["nextCursor"]) == ("main", commits[-1], None)
    assert shas(page) == [*reversed(commits), first["sha"]]
    assert all(list(commit) == MEMBERS for commit in page["data"])
    assert page["data"][-1] == first
    assert page["data"][0]["message"] == "Say text 2"


def test_only_what_touched_the_app(place, client):
    app, other = place.new_app("Orders"), place.new_app("Sales")
    first = place.push(app).ok()["commit"]["sha"]
    place.push(other).ok()
    place.repo.commit_files("main", {"README.md": "changed", "Orders/notes.css": "a{}"}, "Notes")
    second = place.commit_document(app, with_text(app.document, "there"))
    edited(place, other, "elsewhere")
    assert shas(client.history(app.id, refresh="true").ok()) == [second, first]
    assert len(shas(client.history(other.id).ok())) == 2


def test_pages(place, client):
    app = place.pushed_app()
    for i in range(6):
        edited(place, app, f"text {i}")
    whole = client.history(app.id).ok()
    for limit in (1, 2, 3, 7, 100):
        pages = all_pages(client, app, limit)
        assert [sha for page in pages for sha in shas(page)] == shas(whole)
        assert all(len(page["data"]) <= limit for page in pages)
    edited(place, app, "later")
    page = client.history(app.id, limit=3).ok()
    assert shas(page)[1:] == shas(whole)[:2]


def test_a_page_costs_a_bounded_walk(place, client):
    """Thousands of commits of others: pages may be empty, and lead on all the same."""
    app = place.pushed_app()
    first = place.repo.head()
    tree = place.repo.text("rev-parse", "main^{tree}").strip()
    lines = []
    for i in range(2500):
        lines += [
            "commit refs/heads/main",
            f"committer Someone <s@example.com> {1700000000 + i} +0000",
            "data 5",
            "other",
            f"from {first}" if i == 0 else "",
        ]
        lines = [line for line in lines if line]
    place.repo.git("fast-import", "--quiet", data=("\n".join(lines) + "\n").encode())
    assert place.repo.text("rev-parse", "main^{tree}").strip() == tree
    head = client.history(app.id, refresh="true").ok()
    assert head["data"] == [] and head["nextCursor"]
    pages = [head]
    while pages[-1]["nextCursor"]:
        pages.append(client.history(app.id, cursor=pages[-1]["nextCursor"]).ok())
    assert [sha for page in pages for sha in shas(page)] == [first]
    assert len(pages) == 3


def test_through_a_new_version_and_a_new_name(place, client):
    app = place.pushed_app("Orders")
    commits = [place.repo.head()]
    document = as_version(app.document, "v2")
    commits.append(place.commit_document(app, document, "Version v2"))
    document = as_version(document, "v2", app_name="Sales")
    commits.append(place.commit_document(app, document, "A better name"))
    commits.append(place.commit_document(app, with_text(document, "there")))
    assert shas(client.history(app.id, refresh="true").ok()) == commits[::-1]
    pages = all_pages(client, app, 1)
    assert [sha for page in pages for sha in shas(page)] == commits[::-1]


def test_metadata_that_was_broken_for_a_while(place, client):
    app = place.pushed_app()
    first = place.repo.head()
    good = place.repo.read_file(META)
    there = to_js_bytes(with_text(app.document, "one"))
    second = place.repo.commit_files("main", {META: "<<<", "Orders/v1.json": there}, "Bad merge")
    there = to_js_bytes(with_text(app.document, "two"))
    third = place.repo.commit_files("main", {META: good, "Orders/v1.json": there}, "Mended")
    client.history(app.id, refresh="true").ok()
    pages = all_pages(client, app, 1)
    assert [sha for page in pages for sha in shas(page)] == [third, second, first]


def merge(repo, first, second, files=None):
    """A merge commit of two commits on main; without files it has the tree of the second."""
    tree = repo.text("rev-parse", f"{second}^{{tree}}").strip()
    if files:
        repo.set_branch("scratch", second)
        repo.commit_files("scratch", files, "scratch")
        tree = repo.text("rev-parse", "scratch^{tree}").strip()
        repo.delete_branch("scratch")
    made = repo.text(
        *("-c", "user.name=Merger", "-c", "user.email=m@example.com"),
        *("commit-tree", tree, "-p", first, "-p", second, "-m", "Merge"),
    ).strip()
    repo.set_branch("main", made)
    return made


def test_a_merged_branch(place, client):
    """The commits of the branch that changed the app are listed, the merge that took them is not."""
    app = place.pushed_app()
    base = place.repo.head()
    place.repo.set_branch("topic", base)
    commits = [base]
    for text in ("one", "two"):
        there = to_js_bytes(with_text(app.document, text))
        commits.append(place.repo.commit_files("topic", {"Orders/v1.json": there}, text))
    place.repo.commit_files("main", {"README.md": "meanwhile"}, "Meanwhile")
    merge(place.repo, place.repo.head("main"), commits[-1], {"README.md": "meanwhile"})
    place.repo.delete_branch("topic")
    assert shas(client.history(app.id, refresh="true").ok()) == commits[::-1]


def test_a_merge_that_changed_the_app_itself(place, client):
    app = place.pushed_app()
    base = place.repo.head()
    there = {"Orders/v1.json": to_js_bytes(with_text(app.document, "theirs"))}
    place.repo.set_branch("topic", base)
    topic = place.repo.commit_files("topic", there, "theirs")
    ours = place.commit_document(app, with_text(app.document, "ours"))
    both = {"Orders/v1.json": to_js_bytes(with_text(app.document, "both"))}
    merged = merge(place.repo, ours, topic, both)
    assert shas(client.history(app.id, refresh="true").ok()) == [merged, ours, base]


def test_a_look_costs_no_exchange_and_a_refresh_one(place, client):
    app = place.pushed_app()
    before = len(place.exchanges())
    client.history(app.id).ok()
    assert len(place.exchanges()) == before
    client.history(app.id, refresh="true").ok()
    assert place.exchanges()[before:] == [("GET", "git-upload-pack", 200)]


# Refusals


def test_an_app_that_was_never_pushed(place, client):
    app = place.new_app()
    for query in ({}, {"refresh": "true"}):
        client.history(app.id, **query).refused(400, "app_not_linked")
    client.history(str(uuid.uuid4())).refused(400, "app_not_found")


def test_an_app_that_git_has_lost(place, client):
    app = place.pushed_app()
    meta = place.meta()
    del meta[app.id]
    place.repo.commit_files("main", {META: json.dumps(meta)}, "Away")
    client.history(app.id, refresh="true").refused(404, "not_in_git")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "", "1.0", "99999999999999999999"])
def test_a_bad_limit(place, client, limit):
    app = place.pushed_app()
    error = client.history(app.id, limit=limit).refused(400, "invalid_input")
    assert error["message"] == "limit must be a whole number from 1 to 100"


@pytest.mark.parametrize("cursor", ["", "main", "0" * 40, "f" * 40, "abc", "../x", "é"])
def test_a_bad_cursor(place, client, cursor):
    app = place.pushed_app()
    error = client.history(app.id, cursor=cursor).refused(400, "invalid_input")
    assert "nextCursor" in error["message"]


def test_a_cursor_that_is_no_commit(place, client):
    app = place.pushed_app()
    tree = place.repo.text("rev-parse", "main^{tree}").strip()
    client.history(app.id, cursor=tree).refused(400, "invalid_input")
    before = place.repo.text("rev-parse", "main~1").strip()
    page = client.history(app.id, cursor=before).ok()
    assert (page["data"], page["nextCursor"]) == ([], None)

