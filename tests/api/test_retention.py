# SPDX-License-Identifier: Apache-2.0
"""What is old goes by itself, and everything works on as if it had never been there."""

import sqlite3
import time

from client import path_of
from keyed import accepted, ended, is_replayed, keyed_push, new_key, push_async, until
from place import with_text

SHORT = {"operation_ttl": "1s", "release_ttl": "1s"}


def count(daemon, table):
    with sqlite3.connect(f"file:{daemon.data}/gitsync.db?mode=ro", uri=True) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def is_gone(place, operation):
    return place.client.operation(operation).status == 404


def test_what_is_old_goes_and_the_rest_works_on(start, place_on):
    daemon = start(**SHORT)
    place = place_on(daemon)
    app = place.new_app()
    for number in range(60):  # more than one step takes
        place.edit(app, with_text(app.document, f"text {number}"))
    pushed = place.push(app).ok()["operationId"]
    for text in ("first release", "second release"):
        place.commit_document(app, with_text(app.document, text))
        promoted = place.client.promote(app.id).ok()["operationId"]
    before = place.client.status(app.id).ok(), place.exported(app)
    until(lambda: is_gone(place, promoted) and is_gone(place, pushed))
    until(lambda: count(daemon, "document_changes") == 0)
    until(lambda: count(daemon, "releases") == 1)
    assert count(daemon, "operations") == 0
    assert count(daemon, "documents") <= 3  # of the version, last synced, and released
    assert (place.client.status(app.id).ok(), place.exported(app)) == before
    (release,) = place.client.releases(app.id).ok()["data"]
    assert place.client.restore(app.id, release["id"]).ok()["status"] == "up_to_date"
    place.client.rollback(app.id, operationId=promoted).refused(404, "not_found")
    # What both sides last agreed on is still known.
    place.commit_document(app, with_text(app.document, "theirs"))
    assert place.client.pull(app.id).ok()["status"] in ("updated", "merged")


def test_a_key_keeps_its_operation(start, place_on):
    place = place_on(start(**SHORT))
    app, key = place.new_app(), new_key()
    first = keyed_push(place, app, key)
    other = place.push(app).ok()["operationId"]
    until(lambda: is_gone(place, other))
    again = keyed_push(place, app, key)
    assert is_replayed(again) and again.body == first.body
    assert place.client.operation(first.json["operationId"]).ok()["state"] == "done"


def test_a_key_goes_after_its_time(start, place_on):
    daemon = start(idempotency_ttl="1s", **SHORT)
    place = place_on(daemon)
    operation = keyed_push(place, place.new_app(), new_key()).ok()["operationId"]
    until(lambda: is_gone(place, operation))
    assert count(daemon, "recorded_answers") == 0


def test_for_ever(start, place_on):
    daemon = start(idempotency_ttl="1s", operation_ttl="0s")
    place = place_on(daemon)
    app, key = place.new_app(), new_key()
    operation = keyed_push(place, app, key).ok()["operationId"]
    place.edit(app, with_text(app.document, "edited"))
    until(lambda: count(daemon, "recorded_answers") == 0)
    assert place.client.operation(operation).ok()["state"] == "done"
    assert count(daemon, "document_changes") == 1


def test_what_is_open_stays(start, faulty_on):
    place = faulty_on(start(operation_ttl="5s"))  # long enough to be seen once it has ended
    first = place.new_app("First")
    ended_one = place.push(first).ok()["operationId"]
    place.disturb(first)
    held = place.hold_advert()
    app = place.new_app("Second")
    operation = accepted(push_async(place, app))["id"]
    until(lambda: is_gone(place, ended_one))
    assert place.client.operation(operation).ok()["state"] in ("queued", "running")
    place.let_go(held)
    assert ended(place.client, operation)["state"] == "done"
    assert place.repo.read_file("Second/v1.json") == app.bytes


def test_calls_go_on_meanwhile(start, place_on):
    """Thousands of old rows are no reason to wait."""
    daemon = start(operation_ttl="0s")
    place = place_on(daemon)
    app = place.pushed_app()
    daemon.stop()
    with sqlite3.connect(daemon.data / "gitsync.db") as database:
        columns = "id, kind, state, request, http_status, progress, created_at, updated_at"
        database.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
            f" INSERT INTO operations ({columns})"
            f" SELECT printf('%036d', i), 'push', 'done', hex(zeroblob(500)), 200, 100, i, i FROM n"
        )
    database.close()
    daemon.settings |= {"operation_ttl": "1h"}
    began, slowest = time.monotonic(), 0
    daemon.start()
    while count(daemon, "operations") > 1:
        before = time.monotonic()
        place.edit(app, with_text(app.document, f"text {before}"))
        slowest = max(slowest, time.monotonic() - before)
    # Seconds go by with the pauses between the steps alone, however quick the machine is.
    assert slowest < (time.monotonic() - began) / 2
    assert place.push(app).ok()["status"] == "pushed"


def test_killed_in_the_middle(start, place_on):
    """A step is done or not; the next start goes on."""
    daemon = start(operation_ttl="0s")
    place = place_on(daemon)
    app = place.pushed_app()
    for number in range(100):
        place.edit(app, with_text(app.document, f"text {number}"))
    daemon.stop()
    daemon.settings |= SHORT
    time.sleep(1.1)  # until all of it is old
    for _ in range(3):
        daemon.start()
        left = count(daemon, "document_changes")
        until(lambda left=left: count(daemon, "document_changes") < max(left, 1))
        daemon.kill()
    daemon.start()
    until(lambda: count(daemon, "document_changes") == 0)
    assert place.exported(app) == app.bytes
    assert place.push(app).ok()["status"] == "pushed"
    with sqlite3.connect(f"file:{daemon.data}/gitsync.db?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def test_listing_goes_on_behind_what_went(start, place_on):
    """A page's cursor may be an operation that is gone by then."""
    daemon = start(operation_ttl="0s")
    place = place_on(daemon)
    app = place.new_app()
    for number in range(3):
        place.push(app, f"Push {number}").ok()
    page = place.client.operations(appId=app.id, limit=1).ok()
    assert page["nextCursor"]
    daemon.settings |= SHORT
    daemon.restart()
    until(lambda: place.client.operations(appId=app.id).ok()["data"] == [])
    rest = place.client.operations(appId=app.id, cursor=page["nextCursor"]).ok()
    assert rest == {"data": [], "nextCursor": None}
    assert place.client.send("GET", path_of("operations", page["nextCursor"])).status == 404
