# SPDX-License-Identifier: Apache-2.0
"""A pull or a promotion that would delete much of an app asks first."""

from copy import deepcopy

import pytest
from client import path_of
from make_app import app_v2_of
from place import as_version, text_of, with_text


def entities(document):
    lists = [value for value in app_v2_of(document).values() if isinstance(value, list)]
    return [item for items in lists for item in items if isinstance(item, dict) and "id" in item]


def without_components(document, count):
    """A copy without the last components, nor what refers to them."""
    changed = deepcopy(document)
    app = app_v2_of(changed)
    gone = {component["id"] for component in app["components"][-count:]}
    app["components"] = app["components"][:-count]
    app["events"] = [event for event in app["events"] if event["sourceId"] not in gone]
    return changed


def deleted(before, after):
    return len(entities(before)) - len(entities(after))


@pytest.fixture
def app(place):
    return place.pushed_app(components=40, events=0, queries=2)


@pytest.fixture
def emptied(place, app):
    """Somebody deletes half of the components in git."""
    document = without_components(app.document, 20)
    place.commit_document(app, document)
    return document


def test_a_pull_that_deletes_much_stops(place, client, app, emptied):
    count = deleted(app.document, emptied)
    with place.unchanged():
        error = client.pull(app.id).refused(409, "too_many_deletions")
    assert f"{count} of the {len(entities(app.document))} entities" in error["message"]
    assert f"maxDeletions={count}" in error["message"]
    ids = {item["id"] for item in entities(emptied)}
    gone = [item["id"] for item in entities(app.document) if item["id"] not in ids]
    assert [item["id"] for item in error["details"]] == gone
    assert {item["type"] for item in error["details"]} == {"component"}
    assert {item["change"] for item in error["details"]} == {"deleted"}


def test_a_promotion_that_deletes_much_stops(place, client, app, emptied):
    with place.unchanged():
        client.promote(app.id).refused(409, "too_many_deletions")
        path = path_of("apps", app.id, "git-sync", "release")
        client.send("POST", path).refused(409, "too_many_deletions")


def test_a_dry_run_stops_as_the_call_would(place, client, app, emptied):
    with place.unchanged():
        client.pull(app.id, dryRun="true").refused(409, "too_many_deletions")
    answer = client.pull(app.id, dryRun="true", maxDeletions="100%").ok()
    assert len(answer["changes"]["deleted"]) == deleted(app.document, emptied)


@pytest.mark.parametrize("limit", ["20", "1000", "50%", "100%"])
def test_the_caller_allows_it(place, client, app, emptied, limit):
    answer = client.pull(app.id, maxDeletions=limit).ok()
    assert answer["status"] == "updated"
    assert len(answer["changes"]["deleted"]) == 20
    assert len(entities(client.export(place.id, app.id).ok(201))) == len(entities(emptied))


def test_promote_takes_the_limit(client, app, emptied):
    assert client.promote(app.id, maxDeletions=20).ok()["currentVersionId"] == app.version


@pytest.mark.parametrize("limit", ["0", "19", "10%", "0%"])
def test_a_limit_that_is_too_small(place, client, app, emptied, limit):
    with place.unchanged():
        client.pull(app.id, maxDeletions=limit).refused(409, "too_many_deletions")


@pytest.mark.parametrize("limit", ["", "%", "-1", "101%", "ten", "1.5", "1000001", "5 %", "+5"])
def test_a_limit_that_is_none(place, client, app, limit):
    error = client.pull(app.id, maxDeletions=limit).refused(400, "invalid_input")
    assert error["message"].startswith("maxDeletions must be")
    client.promote(app.id, maxDeletions=limit).refused(400, "invalid_input")


def test_a_quarter_is_usual(place, client):
    app = place.pushed_app(components=60, events=0)
    total = len(entities(app.document))
    place.commit_document(app, without_components(app.document, total // 4 + 1))
    client.pull(app.id).refused(409, "too_many_deletions")
    place.commit_document(app, without_components(app.document, total // 4))
    assert client.pull(app.id).ok()["status"] == "updated"


def test_small_apps_are_not_bothered(place, client):
    app = place.pushed_app(components=6, events=0)
    place.commit_document(app, without_components(app.document, 5))
    assert len(client.pull(app.id).ok()["changes"]["deleted"]) == 5


def test_a_merge_counts_what_it_takes_from_here(place, client, app, emptied):
    """Both sides changed: what the merge would delete here is what counts."""
    place.edit(app, with_text(app.document, "changed here"))
    with place.unchanged():
        client.pull(app.id).refused(409, "too_many_deletions")
    assert client.pull(app.id, maxDeletions="50%").ok()["status"] == "merged"
    assert text_of(client.export(place.id, app.id).ok(201)) == "changed here"


def test_a_new_version_deletes_nothing(place, client, app):
    document = as_version(without_components(app.document, 30), "v2")
    place.commit_document(app, document)
    assert client.pull(app.id).ok()["version"]["name"] == "v2"
