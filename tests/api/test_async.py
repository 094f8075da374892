# SPDX-License-Identifier: Apache-2.0
"""Calls that nobody waits for: answered as soon as they are recorded, and carried out all the same, whatever happens."""

import http.client

import pytest
from client import path_of
from crashing import die, needs_hooks
from keyed import (
    accepted,
    ended,
    is_replayed,
    keyed,
    new_key,
    open_operation,
    push_async,
    push_path,
    send,
    until,
)
from place import with_text

NOWHERE = "00000000-0000-4000-8000-000000000000"
STARTS_THAT_RESUME = 5
ASYNC = {"Prefer": "respond-async"}


def without_id(result):
    return {name: value for name, value in result.items() if name != "operationId"}


# What is answered


def test_a_push_that_nobody_waits_for(faulty):
    """The answer is there while the host has not even been reached."""
    app = faulty.new_app()
    held = faulty.hold_advert()
    operation = accepted(push_async(faulty, app))
    assert operation["state"] in ("queued", "running") and "result" not in operation
    assert (operation["kind"], operation["appId"]) == ("push", app.id)
    assert faulty.client.operation(operation["id"]).ok()["state"] in ("queued", "running")
    faulty.let_go(held)
    done = ended(faulty.client, operation["id"])
    assert (done["state"], done["progress"]) == ("done", 100)
    assert done["result"]["status"] == "pushed"
    assert done["result"]["commit"]["sha"] == done["commit"] == faulty.repo.head()


def test_every_call_that_is_an_operation(place, make_place):
    app = place.pushed_app()
    first = place.repo.head()
    other = make_place(place.repo)
    body = {"organizationId": other.id, "gitAppId": app.id, "gitVersionId": "main"}

    def call(method, path, members=None):
        operation = accepted(send(other.client, method, path, members, Prefer="respond-async"))
        done = ended(other.client, operation["id"])
        assert done["state"] == "done", done
        return done

    created = call("POST", path_of("apps", createMode="git"), body)
    copy = created["appId"]
    assert (created["kind"], created["result"]["id"]) == ("create", copy)
    assert call("PUT", path_of("apps", copy, createMode="git"))["kind"] == "pull"
    assert call("POST", path_of("apps", copy, "promote"))["kind"] == "promote"
    assert call("POST", path_of("apps", copy, "git-sync", "release"))["kind"] == "promote"
    back = call("POST", path_of("apps", copy, "rollback"), {"commit": first, "push": True})
    assert back["kind"] == "rollback"


@pytest.mark.parametrize(
    "prefer",
    ["respond-async", "Respond-Async", "wait=10, respond-async", 'a="b, c", respond-async;x=y'],
)
def test_forms_of_the_preference(place, prefer):
    app = place.new_app()
    answer = send(place.client, "POST", push_path(app), {"commitMessage": "Push"}, Prefer=prefer)
    ended(place.client, accepted(answer)["id"])


@pytest.mark.parametrize(
    "prefer",
    ["", "respond", "respond-asynchronously", 'a="b, respond-async"', 'a="\\", respond-async', ";,;"],
)
def test_other_preferences(place, prefer):
    app = place.new_app()
    answer = send(place.client, "POST", push_path(app), {"commitMessage": "Push"}, Prefer=prefer)
    assert answer.ok()["status"] == "pushed"
    assert answer.headers["Preference-Applied"] is None


def test_calls_that_are_answered_as_ever(place):
    """Those that are no operation, or that take no time."""
    app = place.new_app()
    body = {"commitMessage": "Push"}
    plan = send(place.client, "POST", push_path(app) + "?dryRun=true", body, **ASYNC)
    assert plan.ok()["dryRun"] is True
    place.push(app).ok()
    for status, method, path, body in [
        (201, "POST", path_of("organization", "git"), place.config),
        (200, "GET", path_of("apps", app.id, "git-sync"), None),
        (201, "POST", path_of("export", "workspace", place.id, "apps", app.id), None),
        (200, "POST", path_of("apps", app.id, "rollback"), {"commit": place.repo.head()}),
        (200, "POST", path_of("organization", place.id, "git-sync", "pull"), {}),
    ]:
        send(place.client, method, path, body, **ASYNC).ok(status)


# Failures


def test_what_cannot_begin_is_refused_at_once(place):
    app = place.new_app()
    path = path_of("apps", app.id, "versions", NOWHERE, "git-sync", "push")
    body = {"commitMessage": "Push"}
    send(place.client, "POST", path, body, **ASYNC).refused(400, "wrong_version_id")
    send(place.client, "POST", push_path(app), {}, **ASYNC).refused(400, "invalid_input")
    assert place.client.operations(organizationId=place.id).ok()["data"] == []


def test_a_failure_is_found_in_the_operation(place):
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "theirs"))
    place.edit(app, with_text(app.document, "ours"))
    told = place.push(app).refused(409, "merge_conflict")
    done = ended(place.client, accepted(push_async(place, app))["id"])
    assert done["state"] == "failed" and "result" not in done
    members = ("statusCode", "code", "message", "details")
    assert done["error"] == {name: told[name] for name in members}


# With a key


def test_a_key_leads_to_the_same_operation(faulty):
    app, key = faulty.new_app(), new_key()

    def push(message="Push"):
        body = {"commitMessage": message}
        return keyed(faulty.client, key, "POST", push_path(app), body, **ASYNC)

    held = faulty.hold_advert()
    first = push()
    operation = accepted(first)
    assert not is_replayed(first)
    again = push()
    assert accepted(again)["id"] == operation["id"] and is_replayed(again)
    faulty.let_go(held)
    ended(faulty.client, operation["id"])
    again = push()
    assert accepted(again)["id"] == operation["id"] and is_replayed(again)
    push("Other").refused(422, "idempotency_key_reused")
    assert len(faulty.client.operations(appId=app.id).ok()["data"]) == 1


def test_what_failed_for_the_moment_begins_anew(faulty):
    app, key = faulty.new_app(), new_key()

    def push():
        body = {"commitMessage": "Push"}
        return keyed(faulty.client, key, "POST", push_path(app), body, **ASYNC)

    faulty.advert_fault("respond", status=500)
    first = accepted(push())["id"]
    assert ended(faulty.client, first)["error"]["code"] == "host_failed"
    faulty.host.clear_faults()
    again = push()
    second = accepted(again)["id"]
    assert second != first and not is_replayed(again)
    assert ended(faulty.client, second)["state"] == "done"
    assert accepted(push())["id"] == second


def test_no_room_in_the_queue(start, faulty_on):
    """The refused call is not taken for one that was carried out."""
    place = faulty_on(start(queue_limit=1))
    running, waiting, refused = (place.new_app(name) for name in ("A", "B", "C"))
    key, body = new_key(), {"commitMessage": "Push"}
    held = place.hold_advert()
    accepted(push_async(place, running))
    open_operation(place, "connecting")
    last = accepted(push_async(place, waiting))["id"]
    full = keyed(place.client, key, "POST", push_path(refused), body, **ASYNC)
    assert full.refused(503, "overloaded") and full.headers["Retry-After"]
    place.let_go(held)
    assert ended(place.client, last)["state"] == "done"
    again = keyed(place.client, key, "POST", push_path(refused), body, **ASYNC)
    assert not is_replayed(again)
    assert ended(place.client, accepted(again)["id"])["state"] == "done"


def test_another_repository_while_a_call_waits(start, faulty_on, make_repo):
    """Neither is pushed to: the call was made for the one, and the organization has the other now."""
    daemon, first, second = start(), make_repo("first"), make_repo("second")
    place, other = faulty_on(daemon, first), faulty_on(daemon, first)
    app, waiting = place.new_app("Under way"), place.new_app("Waiting")
    held = place.hold_post()
    push = accepted(push_async(place, app))["id"]
    open_operation(place, "pushing")
    late = accepted(push_async(place, waiting))["id"]
    place.configure(gitUrl=second.fault_url).ok(201)
    place.let_go(held)
    assert ended(place.client, push)["state"] == "done"
    failed = ended(place.client, late)
    assert failed["error"]["code"] == "conflict" and "another repository" in failed["error"]["message"]
    assert len(second.log()) == 1 and "Waiting/v1.json" not in first.files()
    listed = other.client.git_apps(other.id).ok()["data"]
    assert [entry["name"] for entry in listed] == ["Under way"]
    assert place.push(waiting).ok()["status"] == "pushed"
    assert "Waiting/v1.json" in second.files()


# Stops and crashes


def test_a_stop_finishes_what_was_accepted(daemon, host, faulty_on):
    place = faulty_on(daemon)
    app = place.new_app()
    place.advert_fault("pass", delay_ms=500, times=1)
    operation = accepted(push_async(place, app))["id"]
    daemon.restart()
    host.clear_faults()
    assert ended(place.client, operation)["state"] == "done"
    assert place.client.operation(operation).ok()["commit"] == place.repo.head()


@needs_hooks
@pytest.mark.parametrize(
    "point", [f"push.{name}" for name in ("looked", "prepared", "committed", "pushed", "recorded")]
)
def test_what_was_accepted_survives_a_crash(daemon, point, faulty_on):
    """The host waits for the answer to be heard, so that the crash comes after it."""
    place = faulty_on(daemon)
    app, key, body = place.new_app(), new_key(), {"commitMessage": "Push"}
    commits = len(place.repo.log())
    daemon.stop()
    daemon.crash_at = point
    daemon.start()
    held = place.hold_advert()
    first = keyed(place.client, key, "POST", push_path(app), body, **ASYNC)
    operation = accepted(first)["id"]
    place.let_go(held)
    daemon.wait_killed()
    daemon.crash_at = None
    daemon.start()
    assert ended(place.client, operation)["state"] == "done"
    again = keyed(place.client, key, "POST", push_path(app), body, **ASYNC)
    assert accepted(again)["id"] == operation and is_replayed(again)
    assert len(place.repo.log()) == commits + 1


@needs_hooks
def test_what_stops_the_server_is_not_tried_for_ever(daemon, faulty_on):
    place = faulty_on(daemon)
    app = place.new_app()
    daemon.stop()
    daemon.crash_at = "push.looked"
    for start in range(1 + STARTS_THAT_RESUME):
        held = place.hold_advert()
        daemon.start()
        if start == 0:
            operation = accepted(push_async(place, app))["id"]
        assert place.client.operation(operation).ok()["state"] in ("queued", "running")
        place.let_go(held)
        daemon.wait_killed()
    daemon.start()
    told = ended(place.client, operation)
    assert told["state"] == "failed" and told["error"]["code"] == "interrupted"
    assert "not tried again" in told["error"]["message"]
    daemon.crash_at = None
    daemon.restart()
    assert place.push(app).ok()["status"] == "pushed"


@needs_hooks
def test_a_crash_before_the_answer(daemon, place_on):
    """Nobody was told of the operation, and it is carried out; the key finds it."""
    place = place_on(daemon)
    app, key, body = place.new_app(), new_key(), {"commitMessage": "Push"}
    commits = len(place.repo.log())
    push = lambda: keyed(place.client, key, "POST", push_path(app), body, **ASYNC)  # noqa: E731
    die(daemon, "submit.recorded", push)
    again = push()
    assert is_replayed(again)
    assert ended(place.client, accepted(again)["id"])["state"] == "done"
    assert len(place.repo.log()) == commits + 1


def test_a_kill_in_the_middle_of_many(daemon, place_on):
    place = place_on(daemon)
    apps = [place.new_app(f"App {number}") for number in range(10)]
    operations = [accepted(push_async(place, app))["id"] for app in apps]
    until(lambda: place.client.operation(operations[0]).ok()["state"] != "queued")
    daemon.kill()
    daemon.start()
    assert {ended(place.client, operation)["state"] for operation in operations} == {"done"}
    in_git = [place.repo.read_file(f"App {number}/v1.json") for number in range(10)]
    assert in_git == [app.bytes for app in apps]


def test_more_than_the_queue_holds_survive_a_kill(start, faulty_on):
    """What is under way does not count as waiting, but after a kill all of it waits."""
    daemon = start(queue_limit=4, git_workers=1)
    place = faulty_on(daemon)
    apps = [place.new_app(f"App {number}") for number in range(9)]
    held = place.hold_post()
    place.hold_post()
    operations = [accepted(push_async(place, apps[0]))["id"]]
    open_operation(place, "pushing")
    operations += [accepted(push_async(place, app))["id"] for app in apps[1:5]]
    assert push_async(place, apps[5]).refused(503, "overloaded")
    place.let_go(held)
    until(lambda: place.client.operation(operations[1]).ok()["state"] != "queued")
    operations += [accepted(push_async(place, app))["id"] for app in apps[5:]]
    daemon.kill()
    place.host.clear_faults()
    daemon.start()
    assert {ended(place.client, operation)["state"] for operation in operations} == {"done"}
    assert place.repo.fsck() == ""


def test_a_client_that_does_not_listen(place):
    """Gone before the 202: the push is made all the same."""
    app, key = place.new_app(), new_key()
    connection = http.client.HTTPConnection(place.client.daemon.address, timeout=30)
    headers = {"Authorization": place.client.authorization, "Content-Type": "application/json"}
    headers |= {"Prefer": "respond-async", "Idempotency-Key": key}
    connection.request("POST", push_path(app), b'{"commitMessage": "Push"}', headers)
    connection.close()
    again = keyed(place.client, key, "POST", push_path(app), b'{"commitMessage": "Push"}', **ASYNC)
    assert ended(place.client, accepted(again)["id"])["state"] == "done"
    assert len(place.client.operations(appId=app.id).ok()["data"]) == 1
