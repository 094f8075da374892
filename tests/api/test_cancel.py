# SPDX-License-Identifier: Apache-2.0
"""Cancelling an operation: what has changed nothing yet never will, and what is on its way to the host is left alone."""

import pytest
from client import Client
from keyed import (
    Background,
    accepted,
    at_once,
    ended,
    is_replayed,
    keyed_push,
    new_key,
    open_operation,
    push_async,
    until,
)
from place import with_text

NOWHERE = "00000000-0000-4000-8000-000000000000"
DELAY_MS = 3000


def assert_cancelled(operation):
    assert (operation["state"], operation["progress"]) == ("cancelled", 100)
    assert operation["error"]["code"] == "cancelled" and operation["error"]["statusCode"] == 409
    assert "result" not in operation and operation["commit"] is None


def test_a_push_that_looks_at_the_branch(faulty):
    app, head = faulty.new_app(), faulty.repo.head()
    held = faulty.hold_advert()
    call = Background(lambda: faulty.push(app))
    operation = open_operation(faulty, "connecting")
    assert_cancelled(faulty.client.cancel(operation["id"]).ok())
    answer = call.wait()
    assert answer.refused(409, "cancelled")
    assert answer.headers["X-Operation-Id"] == operation["id"]
    assert_cancelled(faulty.client.operation(operation["id"]).ok())
    faulty.let_go(held)
    # The next one comes after whatever was left of it.
    assert faulty.push(app, "Later").ok()["commit"]["parent"] == head
    assert_cancelled(faulty.client.operation(operation["id"]).ok())
    assert "Push" not in faulty.messages()


def test_one_that_waits_for_its_turn(faulty):
    """The one before it is not touched, and nobody waits for that one."""
    first, second = faulty.new_app("First"), faulty.pushed_app("Second")
    theirs = with_text(second.document, "theirs")
    faulty.commit_document(second, theirs)
    held = faulty.hold_post()
    push = Background(lambda: faulty.push(first))
    open_operation(faulty, "pushing")
    pull = Background(lambda: faulty.client.pull(second.id))
    waiting = until(lambda: faulty.client.operations(appId=second.id, state="queued").ok()["data"])
    assert_cancelled(faulty.client.cancel(waiting[0]["id"]).ok())
    pull.wait().refused(409, "cancelled")
    assert push.is_running
    faulty.let_go(held)
    assert push.wait().ok()["status"] == "pushed"
    assert faulty.exported(second) == second.bytes
    assert faulty.client.pull(second.id).ok()["status"] == "updated"


def test_one_that_nobody_waits_for(faulty):
    app = faulty.new_app()
    held = faulty.hold_advert()
    operation = accepted(push_async(faulty, app))["id"]
    assert_cancelled(faulty.client.cancel(operation).ok())
    faulty.let_go(held)
    assert faulty.push(app, "Later").ok()["status"] == "pushed"
    assert_cancelled(faulty.client.operation(operation).ok())
    assert "Push" not in faulty.messages()


def test_what_is_on_its_way_goes_on(faulty):
    app = faulty.new_app()
    held = faulty.hold_post()
    call = Background(lambda: faulty.push(app))
    operation = open_operation(faulty, "pushing")
    faulty.client.cancel(operation["id"]).refused(409, "not_cancellable")
    faulty.let_go(held)
    assert call.wait().ok()["commit"]["sha"] == faulty.repo.head()
    assert faulty.client.operation(operation["id"]).ok()["state"] == "done"


def test_what_has_ended(place):
    app = place.new_app()
    done = place.push(app).ok()["operationId"]
    place.repo.protect("main")
    place.edit(app, with_text(app.document, "edited"))
    failed = place.push(app).headers["X-Operation-Id"]
    for operation, state in ((done, "done"), (failed, "failed")):
        place.client.cancel(operation).refused(409, "not_cancellable")
        assert place.client.operation(operation).ok()["state"] == state
    place.client.cancel(NOWHERE).refused(404, "not_found")


def test_cancelling_again_is_harmless(faulty):
    app = faulty.new_app()
    held = faulty.hold_advert()
    operation = accepted(push_async(faulty, app))["id"]
    answers = at_once([lambda: faulty.client.cancel(operation)] * 5)
    for answer in answers + [faulty.client.cancel(operation)]:
        assert_cancelled(answer.ok())
    faulty.let_go(held)
    faulty.push(app, "Later").ok()
    assert_cancelled(faulty.client.cancel(operation).ok())


def test_all_or_none(faulty):
    """One app of a call is cancelled that wants all or none: the others are not done either."""
    first, second = faulty.pushed_app("First"), faulty.new_app("Second")
    held = faulty.hold_advert()
    before = Background(lambda: faulty.push(first, "Before"))
    until(lambda: open_operation(faulty)["state"] == "running")
    call = Background(lambda: faulty.client.push_all(faulty.id, continueOnError=False))
    operation = until(lambda: faulty.client.operations(appId=second.id).ok()["data"])[0]
    assert_cancelled(faulty.client.cancel(operation["id"]).ok())
    faulty.let_go(held)
    error = call.wait().refused(409, "cancelled")
    assert {entry["status"] for entry in error["details"]} == {"failed", "skipped"}
    assert before.wait().ok()["status"] == "up_to_date"
    assert "Push all" not in faulty.messages()
    assert faulty.client.push_all(faulty.id).ok()["summary"]["pushed"] == 1


def test_one_of_several(faulty):
    first, second = faulty.new_app("First"), faulty.new_app("Second")
    held = faulty.hold_advert()
    call = Background(lambda: faulty.client.push_all(faulty.id))
    open_operation(faulty, "connecting")
    operation = until(lambda: faulty.client.operations(appId=second.id).ok()["data"])[0]
    assert_cancelled(faulty.client.cancel(operation["id"]).ok())
    faulty.let_go(held)
    entries = {entry["appId"]: entry for entry in call.wait().ok()["data"]}
    assert entries[first.id]["status"] == "pushed"
    assert entries[second.id]["error"]["code"] == "cancelled"


def test_its_key_stays_cancelled(faulty):
    app, key = faulty.new_app(), new_key()
    held = faulty.hold_advert()
    call = Background(lambda: keyed_push(faulty, app, key))
    operation = open_operation(faulty, "connecting")
    faulty.client.cancel(operation["id"]).ok()
    first = call.wait()
    first.refused(409, "cancelled")
    faulty.let_go(held)
    again = keyed_push(faulty, app, key)
    assert (again.status, again.body) == (first.status, first.body) and is_replayed(again)
    assert keyed_push(faulty, app, new_key(), "Later").ok()["status"] == "pushed"


def test_whatever_is_told_is_true(faulty):
    """Cancelled at any moment of its way, a push is either cancelled or made."""
    app = faulty.pushed_app()
    told = set()
    for number, delay_ms in enumerate([0, 1, 2, 5, 10, 20, 40, 80, 160, DELAY_MS]):
        faulty.edit(app, with_text(app.document, f"text {number}"))
        message = f"Number {number}"
        faulty.disturb(app)
        faulty.advert_fault("pass", delay_ms=delay_ms, times=1)
        faulty.post_fault("pass", delay_ms=20, times=1)
        operation = accepted(push_async(faulty, app, message))["id"]
        for _ in range(number % 3):
            faulty.client.operation(operation).ok()
        answer = faulty.client.cancel(operation)
        state = ended(faulty.client, operation)["state"]
        # A call behind it, so that nothing of it is left.
        faulty.client.status(app.id, refresh="true").ok()
        faulty.host.clear_faults()
        assert state == ("cancelled" if answer.status == 200 else "done"), answer.body
        assert (message in faulty.messages()) == (state == "done")
        told.add(state)
    assert "cancelled" in told


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_it_stays_cancelled(daemon, how, faulty_on):
    place = faulty_on(daemon)
    app, head = place.new_app(), place.repo.head()
    held = place.hold_advert()
    operation = accepted(push_async(place, app))["id"]
    place.client.cancel(operation).ok()
    if how == "kill":
        daemon.kill()
        place.let_go(held)
        daemon.start()
    else:
        place.let_go(held)  # what is accepted is waited for
        daemon.restart()
    client = Client(daemon)
    assert_cancelled(client.operation(operation).ok())
    client.status(app.id, refresh="true")
    assert place.repo.head() == head
