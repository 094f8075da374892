# SPDX-License-Identifier: Apache-2.0
"""A call that is repeated with its Idempotency-Key is carried out once and answered alike, whatever happens in between."""

import http.client
import time

import pytest
from client import TOKEN, Client, path_of
from crashing import die, needs_hooks
from keyed import (
    Background,
    at_once,
    is_replayed,
    keyed,
    keyed_push,
    new_key,
    open_operation,
    push_path,
    until,
)
from place import new_document, unique, with_text



@pytest.fixture(scope="module")
def server(start_daemon, tmp_path_factory):
    """Without pauses for hosts that fail: these tests are about single calls."""
    daemon = start_daemon(tmp_path_factory.mktemp("keys"), breaker_failures=0)
    yield daemon
    daemon.stop()


@pytest.fixture
def own_place(daemon, place_on):
    return place_on(daemon)


@pytest.fixture
def impatient(start, faulty_on):
    """A place on a server that soon stops waiting for its host."""
    return faulty_on(start(git_timeout="5s", breaker_failures=0))


def assert_again(first, again):
    """The same answer, told to be a repetition."""
    assert (again.status, again.body) == (first.status, first.body)
    assert is_replayed(again) and not is_replayed(first)
    assert again.headers["X-Operation-Id"] == first.headers["X-Operation-Id"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]


def commits(place):
    return len(place.repo.log())


# The key


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "é", "tab\there"])
def test_a_key_that_is_none(client, key):
    error = keyed(client, key.encode(), "POST", path_of("workspaces"), {"name": unique("w")})
    assert error.refused(400, "invalid_input")["details"][0]["field"] == "Idempotency-Key"


def test_two_keys(client):
    connection = http.client.HTTPConnection(client.daemon.address, timeout=30)
    connection.putrequest("POST", path_of("workspaces"))
    for name, value in [
        ("Authorization", f"Bearer {TOKEN}"),
        ("Content-Length", "0"),
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
    ]:
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~;,:/?\"'"])
def test_a_key_in_any_visible_form(client, key):
    name = unique("w")
    first = keyed(client, key + name[:0], "POST", path_of("workspaces", k=name), {"name": name})
    first.ok(201)
    assert_again(first, keyed(client, key, "POST", path_of("workspaces", k=name), {"name": name}))


def test_a_get_does_not_mind_a_key(client):
    for _ in range(2):
        assert not is_replayed(keyed(client, "any key", "GET", path_of("workspaces")))


# Pushing


def test_a_push_is_made_once(place):
    app, key = place.new_app(), new_key()
    before = commits(place)
    first = keyed_push(place, app, key)
    assert first.ok()["status"] == "pushed"
    for _ in range(3):
        assert_again(first, keyed_push(place, app, key))
    assert commits(place) == before + 1
    assert len(place.client.operations(appId=app.id).ok()["data"]) == 1


def test_the_answer_stays_what_it_was(place):
    app, key = place.new_app(), new_key()
    first = keyed_push(place, app, key)
    place.edit(app, with_text(app.document, "edited since"))
    place.push(app).ok()
    head = place.repo.head()
    assert_again(first, keyed_push(place, app, key))
    assert place.repo.head() == head


def test_a_key_is_for_one_request(place):
    app, key = place.new_app(), new_key()
    keyed_push(place, app, key).ok()
    error = keyed_push(place, app, key, "Another message").refused(422, "idempotency_key_reused")
    assert error["details"] == [{"field": "Idempotency-Key"}]
    path, body = push_path(app), {"commitMessage": "Push"}
    bound = keyed(place.client, key, "POST", path, body, If_Match='"' + "0" * 64 + '"')
    bound.refused(422, "idempotency_key_reused")
    assert is_replayed(keyed_push(place, app, key))


def test_keys_of_different_calls_have_nothing_to_do_with_each_other(place):
    app, key = place.new_app(), new_key()
    path, body = push_path(app), {"commitMessage": "Push"}
    plan = keyed(place.client, key, "POST", path + "?dryRun=true", body)
    assert plan.ok()["dryRun"] is True
    assert keyed(place.client, key, "POST", path, body).ok()["status"] == "pushed"
    assert_again(plan, keyed(place.client, key, "POST", path + "?dryRun=true", body))
    other = place.new_app("Invoices")
    assert keyed_push(place, other, key).ok()["status"] == "pushed"


def test_every_form_of_the_token_is_one_caller(place):
    app, key = place.new_app(), new_key()
    first = keyed_push(place, app, key)
    bearer = Client(place.client.daemon, f"Bearer {TOKEN}")
    again = keyed(bearer, key, "POST", push_path(app), {"commitMessage": "Push"})
    assert_again(first, again)


def test_fifty_at_once_are_one_push(place):
    app, key = place.new_app(), new_key()
    before = commits(place)
    answers = at_once([lambda: keyed_push(place, app, key)] * 50)
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert sum(not is_replayed(answer) for answer in answers) == 1
    assert commits(place) == before + 1


def test_one_key_for_two_requests_at_once(faulty):
    app, key = faulty.new_app(), new_key()
    faulty.advert_fault("pass", delay_ms=700, times=1)
    answers = at_once([lambda text=text: keyed_push(faulty, app, key, text) for text in "ab"])
    assert sorted(answer.status for answer in answers) == [200, 422]


def test_those_that_wait_get_the_failure_as_well(faulty):
    app, key = faulty.new_app(), new_key()
    faulty.api_fault("respond", status=500)
    faulty.advert_fault("respond", status=500, delay_ms=500)
    answers = at_once([lambda: keyed_push(faulty, app, key)] * 5)
    assert {answer.status for answer in answers} == {502}
    faulty.host.clear_faults()
    assert keyed_push(faulty, app, key).ok()["status"] == "pushed"


# What is recorded, and what is not


def test_a_refusal_is_recorded(place):
    app, key = place.pushed_app(), new_key()
    document = new_document("Invoices")
    theirs = with_text(app.document, "theirs")
    place.commit_document(app, theirs)
    place.edit(app, with_text(app.document, "ours"))
    first = keyed(place.client, key, "PUT", path_of("apps", app.id, createMode="git"))
    assert first.refused(409, "merge_conflict")["details"]
    place.client.pull(app.id, onConflict="theirs").ok()
    assert_again(first, keyed(place.client, key, "PUT", path_of("apps", app.id, createMode="git")))
    path = path_of("import", "workspace", place.id, "apps")
    taken = keyed(place.client, key, "POST", path, document | {"appName": "Orders"})
    taken.refused(400, "app_exists")
    place.client.delete_app(app.id).ok(204)
    assert_again(taken, keyed(place.client, key, "POST", path, document | {"appName": "Orders"}))
    assert keyed(place.client, new_key(), "POST", path, document | {"appName": "Orders"}).ok(201)


def test_a_refusal_before_anything_began_is_recorded(place):
    key, nowhere = new_key(), "00000000-0000-4000-8000-000000000000"
    path = path_of("apps", nowhere, "versions", nowhere, "git-sync", "push")
    first = keyed(place.client, key, "POST", path, {"commitMessage": "Push"})
    first.refused(400, "app_not_found")
    assert_again(first, keyed(place.client, key, "POST", path, {"commitMessage": "Push"}))


def test_a_failure_of_the_host_is_not(faulty):
    app, key = faulty.new_app(), new_key()
    faulty.advert_fault("respond", status=500)
    keyed_push(faulty, app, key).refused(502, "host_failed")
    faulty.host.clear_faults()
    again = keyed_push(faulty, app, key)
    assert again.ok()["status"] == "pushed" and not is_replayed(again)
    assert_again(again, keyed_push(faulty, app, key))


def test_nothing_in_the_way_of_a_push_that_has_to_wait(faulty):
    """Somebody else is faster each time: the caller may try again with the same key."""
    app, key = faulty.new_app(), new_key()
    race = {"repo": faulty.repo.name, "files": {"x.txt": unique("text")}}
    for number in range(6):
        race = race | {"files": {"x.txt": str(number)}}
        faulty.post_fault("pass", times=1, race_commit=race)
    keyed_push(faulty, app, key).refused(409, "branch_moved")
    faulty.host.clear_faults()
    again = keyed_push(faulty, app, key)
    assert again.ok()["status"] == "pushed" and not is_replayed(again)


# Every call that takes one


def test_calls_on_the_store(place):
    client, key = place.client, new_key()
    calls = []

    def call(status, method, path, body=None):
        first = keyed(client, key, method, path, body)
        first.ok(status)
        calls.append((first, method, path, body))
        return first.json

    call(201, "POST", path_of("workspaces"), {"name": unique("more")})
    made = call(201, "POST", path_of("import", "workspace", place.id, "apps"), new_document())
    app, version = made["id"], made["versions"][0]["id"]
    document = client.version(app, version).ok()["document"]
    edited = with_text(document, "edited")
    call(200, "PUT", path_of("apps", app, "versions", version), edited)
    call(201, "POST", path_of("export", "workspace", place.id, "apps", app), {})
    constants = {"constants": [{"name": "HOST", "values": {"development": "a"}}]}
    call(200, "PUT", path_of("organization", place.id, "constants"), constants)
    call(201, "POST", path_of("apps", app, "versions", "save"), {"name": "v2"})
    call(201, "POST", path_of("organization", "git"), place.config)
    call(200, "POST", path_of("organization", "git", "test"), {"organizationId": place.id})
    everything = path_of("organization", place.id, "git-sync", "push")
    call(200, "POST", everything, {"commitMessage": "All"})
    before = place.state()
    for first, method, path, body in calls:
        assert_again(first, keyed(client, key, method, path, body))
    assert place.state() == before


def test_imports_at_once_are_one_app(place):
    key, document = new_key(), new_document(unique("Orders"))
    path = path_of("import", "workspace", place.id, "apps")
    answers = at_once([lambda: keyed(place.client, key, "POST", path, document)] * 20)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert len(place.client.apps(place.id).ok()) == 1


def test_creations_pulls_and_promotions(place, make_place):
    app, key = place.pushed_app(), new_key()
    other = make_place(place.repo)
    body = {"organizationId": other.id, "gitAppId": app.id, "gitVersionId": "main"}
    calls = [(201, "POST", path_of("apps", createMode="git"), body)]
    created = keyed(other.client, key, *calls[0][1:])
    copy = created.ok(201)["id"]
    assert_again(created, keyed(other.client, key, *calls[0][1:]))
    for status, method, path in [
        (200, "PUT", path_of("apps", copy, createMode="git")),
        (200, "POST", path_of("apps", copy, "promote")),
        (201, "POST", path_of("apps", copy, "git-sync", "release")),
    ]:
        first = keyed(other.client, key, method, path)
        first.ok(status)
        assert_again(first, keyed(other.client, key, method, path))


def test_no_secret_is_kept(place, server):
    key, path = new_key(), path_of("organization", "git")
    first = keyed(place.client, key, "POST", path, place.config)
    first.ok(201)
    bad = place.config | {"githubAppPrivateKey": "-----BEGIN RSA PRIVATE KEY-----\nQUJDREVGRw\n"}
    keyed(place.client, key + "2", "POST", path, bad).refused(400, "invalid_private_key")
    assert_again(first, keyed(place.client, key, "POST", path, place.config))
    kept = b"".join(path.read_bytes() for path in server.data.glob("gitsync.db*"))
    kept += server.log().encode() + first.body
    assert place.config["githubAppPrivateKey"].splitlines()[3].encode() not in kept
    assert b"QUJDREVGRw" not in kept and TOKEN.encode() not in kept


def test_the_description_tells_which_calls_take_one(client):
    paths = client.send("GET", "/openapi.json").json["paths"]
    for path, methods in paths.items():
        for method, call in methods.items():
            headers = {item["name"] for item in call["parameters"] if item["in"] == "header"}
            assert ("Idempotency-Key" in headers) == (method in ("post", "put", "patch")), path
            assert ("Prefer" in headers) == ("202" in call["responses"]), path


def test_a_large_export_is_made_again(place):
    """What changes nothing is not worth keeping at any size."""
    app = place.new_app()
    place.edit(app, with_text(app.document, "x" * (17 << 20)))
    path = path_of("export", "workspace", place.id, "apps", app.id)
    key = new_key()
    first, again = (keyed(place.client, key, "POST", path) for _ in range(2))
    assert first.ok(201) == again.ok(201)
    assert not is_replayed(again)


# How long it is kept


def test_an_answer_is_forgotten_after_its_time(start):
    client, key = Client(start(idempotency_ttl="1s")), new_key()

    def create():
        return keyed(client, key, "POST", path_of("workspaces"), {"name": "once"})

    began = time.monotonic()
    first = create()
    first.ok(201)
    again = create()
    # A machine may be so slow that the second is over already.
    if is_replayed(again) or time.monotonic() - began < 1:
        assert_again(first, again)
    until(lambda: create().status == 409)
    create().refused(409, "conflict")


# Restarts and crashes


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_changes_nothing(daemon, own_place, how):
    place, key = own_place, new_key()
    app = place.new_app()
    path = path_of("import", "workspace", place.id, "apps")
    document = new_document("Invoices")
    imported = keyed(place.client, key, "POST", path, document)
    pushed = keyed_push(place, app, key)
    place.repo.protect("main")
    place.edit(app, with_text(app.document, "edited"))
    refused = keyed_push(place, app, key + "2")
    refused.refused(409, "push_rejected")
    place.repo.protect("main", False)
    getattr(daemon, how)()
    daemon.start()
    assert_again(imported, keyed(place.client, key, "POST", path, document))
    assert_again(pushed, keyed_push(place, app, key))
    assert_again(refused, keyed_push(place, app, key + "2"))


@needs_hooks
@pytest.mark.parametrize(
    "point",
    ["submit.recorded"]
    + [f"push.{name}" for name in ("looked", "prepared", "committed", "pushed", "recorded")],
)
def test_the_truth_about_a_push_that_a_crash_cut(daemon, own_place, point):
    place, key = own_place, new_key()
    app = place.new_app()
    before = commits(place)
    die(daemon, point, lambda: keyed_push(place, app, key))
    again = keyed_push(place, app, key)
    assert again.ok()["status"] == "pushed"
    assert again.json["commit"]["sha"] == place.repo.head()
    assert is_replayed(again) == (point in ("push.committed", "push.pushed", "push.recorded"))
    assert commits(place) == before + 1
    third = keyed_push(place, app, key)
    assert third.body == again.body and is_replayed(third)


@needs_hooks
@pytest.mark.parametrize("point", ["submit.recorded", "pull.read", "pull.written", "pull.recorded"])
def test_the_truth_about_a_promotion_that_a_crash_cut(daemon, own_place, point):
    place, key = own_place, new_key()
    app = place.pushed_app()
    path = path_of("apps", app.id, "promote")
    die(daemon, point, lambda: keyed(place.client, key, "POST", path))
    again = keyed(place.client, key, "POST", path)
    assert again.ok()["currentVersionId"] == app.version
    assert again.json["previousVersionId"] is None
    assert is_replayed(again) == (point == "pull.recorded")


@needs_hooks
@pytest.mark.parametrize("point", ["key.held", "key.recorded"])
def test_the_truth_about_an_import_that_a_crash_cut(daemon, own_place, point):
    place, key = own_place, new_key()
    path = path_of("import", "workspace", place.id, "apps")
    document = new_document()
    die(daemon, point, lambda: keyed(place.client, key, "POST", path, document))
    again = keyed(place.client, key, "POST", path, document)
    made = again.ok(201)
    assert is_replayed(again) == (point == "key.recorded")
    assert [app["id"] for app in place.client.apps(place.id).ok()] == [made["id"]]


@needs_hooks
@pytest.mark.parametrize("point", ["key.held", "key.recorded"])
def test_saving_and_its_answer_are_one(daemon, own_place, point):
    """Else the repetition would be refused: the version is saved already."""
    place, key = own_place, new_key()
    app = place.new_app()
    path, members = path_of("apps", app.id, "versions", "save"), {"name": "first"}
    die(daemon, point, lambda: keyed(place.client, key, "POST", path, members))
    again = keyed(place.client, key, "POST", path, members)
    assert again.ok(201)["name"] == "first"
    assert is_replayed(again) == (point == "key.recorded")


@needs_hooks
@pytest.mark.parametrize("point", ["key.held", "key.recorded"])
def test_a_change_and_its_answer_are_one(daemon, own_place, point):
    """Neither is there without the other, also of calls that may be repeated without harm."""
    place, key = own_place, new_key()
    path = path_of("organization", place.id, "constants")
    body = {"constants": [{"name": "HOST", "values": {"development": "a"}}]}
    die(daemon, point, lambda: keyed(place.client, key, "PUT", path, body))
    is_there = place.client.constants(place.id).ok()["constants"] != []
    assert is_there == (point == "key.recorded")
    assert is_replayed(keyed(place.client, key, "PUT", path, body)) == is_there


# Pushes of which nobody knows whether they arrived


def lose_answer(place, **members):
    """The next push is sent and its answer lost, and the host then tells nothing for a while."""
    place.post_fault("cut", times=1, **members)
    return place.advert_fault("respond", status=500, skip=1)


def test_a_push_that_arrived_unseen(impatient):
    app, key = impatient.new_app(), new_key()
    before = commits(impatient)
    lose_answer(impatient, after_response_bytes=0)
    first = keyed_push(impatient, app, key)
    assert first.status in (502, 504), first.body
    impatient.host.clear_faults()
    again = keyed_push(impatient, app, key)
    assert again.ok()["status"] == "pushed"
    assert again.json["commit"]["sha"] == impatient.repo.head()
    assert commits(impatient) == before + 1


def test_a_push_that_did_not_arrive(impatient):
    app, key = impatient.new_app(), new_key()
    before = commits(impatient)
    lose_answer(impatient, after_request_bytes=0)
    first = keyed_push(impatient, app, key)
    assert first.status in (502, 504), first.body
    impatient.host.clear_faults()
    again = keyed_push(impatient, app, key)
    assert again.ok()["status"] == "pushed"
    assert commits(impatient) == before + 1


def test_nobody_waits_for_ever_for_a_host_that_is_down(impatient):
    app, key = impatient.new_app(), new_key()
    lose_answer(impatient, after_response_bytes=0)
    assert keyed_push(impatient, app, key).status in (502, 504)
    again = keyed_push(impatient, app, key)
    assert again.status in (502, 503, 504) and "may have arrived" in again.json["message"]
    impatient.host.clear_faults()
    assert until(lambda: keyed_push(impatient, app, key).status == 200)


def test_a_caller_that_went_away_finds_his_answer(faulty):
    app, key = faulty.new_app(), new_key()
    held = faulty.hold_advert()
    connection = http.client.HTTPConnection(faulty.client.daemon.address, timeout=30)
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    connection.request("POST", push_path(app), b'{"commitMessage":"Push"}', headers)
    open_operation(faulty, "connecting")
    connection.close()
    again = Background(
        lambda: keyed(faulty.client, key, "POST", push_path(app), b'{"commitMessage":"Push"}')
    )
    faulty.let_go(held)
    again = again.wait()
    assert again.ok()["status"] == "pushed" and is_replayed(again)
