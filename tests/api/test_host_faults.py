# SPDX-License-Identifier: Apache-2.0
"""The git host misbehaves in every way that networks and hosts know.

After each fault: what was acknowledged is in git and here, what failed has left no trace, no commit is there twice,
and the next call works as if nothing had been.
"""

import threading

import pytest
from faulty import FaultyPlace, assert_readable
from githost.gitrepo import GitError
from keyed import until
from place import new_document, unique, with_text

PATH = "Orders/v1.json"


# Without pauses for hosts that fail: these tests are about single calls.


@pytest.fixture(scope="module")
def patient(start_daemon, tmp_path_factory):
    daemon = start_daemon(tmp_path_factory.mktemp("patient"), breaker_failures=0)
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def hasty(start_daemon, tmp_path_factory):
    daemon = start_daemon(tmp_path_factory.mktemp("hasty"), git_timeout="5s", breaker_failures=0)
    yield daemon
    daemon.stop()


@pytest.fixture
def server(request):
    """One that gives up soon where a call takes all of its time; no other test is to depend on how fast the machine is."""
    long = any(part in request.node.name for part in ("[silent-", "[drip-", "unknown_outcome"))
    return request.getfixturevalue("hasty" if long else "patient")


@pytest.fixture(autouse=True)
def without_faults(host):
    yield
    host.clear_faults()


@pytest.fixture
def place(server, faulty_on):
    made = faulty_on(server)
    yield made
    made.assert_sound()


@pytest.fixture
def app(place):
    """Pushed once, and edited since; the next push asks first."""
    app = place.pushed_app()
    place.disturb(app)
    place.edit(app, with_text(app.document, "edited"))
    return app


# Answers that are none


HOPELESS = [
    # fault, its members, status and code of the answer
    ("silent", {}, 504, "host_timeout"),
    ("drip", {}, 504, "host_timeout"),
    ("reset", {}, 502, "host_unreachable"),
    ("cut", {}, 502, "host_unreachable"),
    ("drop", {}, 502, "host_unreachable"),
    ("html", {}, 502, "host_failed"),
    ("garbage", {}, 502, "host_failed"),
    ("garbage", {"on_wire": True}, 502, "host_failed"),
    ("truncate", {}, 502, "host_failed"),
    ("endless", {}, 502, "host_failed"),
    ("redirect", {"location": "http://127.0.0.1:9/elsewhere"}, 502, "host_failed"),
    ("redirect", {"location": "http://127.0.0.1:9/", "status": 307}, 502, "host_failed"),
    ("respond", {"status": 403}, 400, "repository_not_writable"),
    ("respond", {"status": 404}, 400, "repository_not_found"),
    ("respond", {"status": 500}, 502, "host_failed"),
    ("respond", {"status": 502}, 502, "host_failed"),
    ("respond", {"status": 503}, 502, "host_failed"),
    ("respond", {"status": 504}, 502, "host_failed"),
]
IDS = [f"{row[0]}-{'-'.join(map(str, row[1].values()))[:8]}" for row in HOPELESS]


@pytest.mark.parametrize("action, members, status, code", HOPELESS, ids=IDS)
def test_the_host_gives_no_use_when_a_push_asks(place, action, members, status, code):
    app = place.new_app()  # the first push of a server always asks
    place.advert_fault(action, **members)
    with place.unchanged():
        assert_readable(place.push(app, "Refused").refused(status, code))
    place.host.clear_faults()
    assert place.push(app, "Works again").ok()["status"] == "pushed"
    assert place.repo.read_file(PATH) == app.bytes


@pytest.mark.parametrize("action, members, status, code", HOPELESS, ids=IDS)
def test_the_host_gives_no_use_when_a_pull_asks(place, action, members, status, code):
    app = place.pushed_app()
    changed = with_text(app.document, "changed in git")
    place.commit_document(app, changed)
    place.advert_fault(action, "git-upload-pack", **members)
    if members.get("status") == 403:
        status, code = 502, "host_denied"
    with place.unchanged():
        assert_readable(place.client.pull(app.id).refused(status, code))
    place.host.clear_faults()
    assert place.client.pull(app.id).ok()["status"] == "updated"


FETCH = [row for row in zip(HOPELESS, IDS) if row[0][0] not in ("redirect",) and 403 not in row[0][1].values()]


@pytest.mark.parametrize("fault", [row[0] for row in FETCH], ids=[row[1] for row in FETCH])
def test_the_host_gives_no_use_when_a_pull_fetches(place, fault):
    action, members, status, code = fault
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "changed in git"))
    place.post_fault(action, "git-upload-pack", **members)
    with place.unchanged():
        assert_readable(place.client.pull(app.id).refused(status, code))
    place.host.clear_faults()
    assert place.client.pull(app.id).ok()["status"] == "updated"


@pytest.mark.parametrize(
    "action, members, status, code",
    [row for row in HOPELESS if row[1].get("status") not in (403, 404) and row[0] != "truncate"],
    ids=[name for name in IDS if not name.endswith(("403", "404")) and name != "truncate-"],
)
def test_the_host_gives_no_token(server, faulty_on, action, members, status, code):
    place = faulty_on(server)
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "edited"))
    place.host.expire_tokens()
    place.api_fault(action, **members)
    with place.unchanged():
        error = place.push(app, "Refused").json
    assert error["code"] in (code, "host_failed"), error
    assert_readable(error)
    place.host.clear_faults()
    assert place.push(app, "Works again").ok()["status"] == "pushed"
    place.assert_sound()


# Faults that pass


PASSING = [
    ("reset", {}),
    ("cut", {}),
    ("drop", {}),
    ("respond", {"status": 502}),
    ("respond", {"status": 503}),
    ("respond", {"status": 504}),
    ("cut", {"after_response_bytes": 0}),
    ("cut", {"after_response_bytes": 300}),
]
PASSING_IDS = [f"{row[0]}-{'-'.join(map(str, row[1].values()))}" for row in PASSING]


@pytest.mark.parametrize("action, members", PASSING, ids=PASSING_IDS)
def test_a_push_outlives_what_passes(place, app, action, members):
    place.advert_fault(action, times=2, **members)
    assert place.push(app, "Pushed").ok()["status"] == "pushed"
    assert place.repo.read_file(PATH) == app.bytes


@pytest.mark.parametrize("action, members", PASSING, ids=PASSING_IDS)
def test_a_pull_outlives_what_passes(place, action, members):
    app = place.pushed_app()
    changed = with_text(app.document, "changed in git")
    place.commit_document(app, changed)
    place.advert_fault(action, "git-upload-pack", times=2, **members)
    place.post_fault(action, "git-upload-pack", times=2, **members)
    assert place.client.pull(app.id).ok()["status"] == "updated"
    assert place.exported(app) == place.repo.read_file(PATH)


@pytest.mark.parametrize("action, members", PASSING, ids=PASSING_IDS)
def test_a_token_comes_at_the_third_try(place, app, action, members):
    place.host.expire_tokens()
    place.api_fault(action, times=2, **members)
    assert place.push(app, "Pushed").ok()["status"] == "pushed"


def test_a_configuration_outlives_what_passes(server, host, make_repo):
    place = FaultyPlace(server, host, make_repo())
    place.api_fault("respond", status=502, times=1)
    host.fault("drop", match="%5Bbot%5D", times=1)
    place.advert_fault("reset", times=1)
    place.configure().ok(201)
    place.assert_no_secrets()


# The outcome of a push


@pytest.mark.parametrize("action", ["reset", "cut"])
@pytest.mark.parametrize("bytes_of_answer", [0, 1, 100, 200, 230, 260])
def test_the_answer_to_a_push_is_lost(place, app, action, bytes_of_answer):
    """The host has done its work and the server never learns; it asks."""
    place.post_fault(action, after_response_bytes=bytes_of_answer, times=1)
    answer = place.push(app, "Arrived").ok()
    assert answer["status"] == "pushed" and answer["commit"]["sha"] == place.repo.head()
    assert place.repo.read_file(PATH) == app.bytes
    assert place.messages().count("Arrived") == 1


@pytest.mark.parametrize("action", ["reset", "cut"])
@pytest.mark.parametrize("bytes_of_request", [1, 60, 180, 400, 1000])
def test_the_request_of_a_push_is_cut(place, app, action, bytes_of_request):
    place.post_fault(action, after_request_bytes=bytes_of_request, times=1)
    answer = place.push(app, "Arrived").ok()
    assert answer["status"] == "pushed" and answer["commit"]["sha"] == place.repo.head()
    assert place.messages().count("Arrived") == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_push_that_a_gateway_loses(place, app, status):
    place.post_fault("respond", status=status, times=1)
    assert place.push(app, "Arrived").ok()["status"] == "pushed"
    assert place.messages().count("Arrived") == 1


@pytest.mark.parametrize("arrives", [True, False])
def test_an_unknown_outcome_is_settled_later(place, app, arrives):
    """Neither the answer nor an answer to the question what came of it: the truth comes when the host does."""
    cut = {"after_response_bytes": 0} if arrives else {"after_request_bytes": 60}
    place.post_fault("cut", times=1, **cut)
    place.advert_fault("drop", skip=1)
    answer = place.push(app, "Lost")
    error = answer.refused(502, "host_unreachable")
    assert_readable(error)
    assert "may have arrived" in error["message"]
    place.host.clear_faults()
    operation = place.settled()[0]
    assert operation["state"] == ("done" if arrives else "failed"), operation
    assert (place.repo.read_file(PATH) == app.bytes) == arrives
    again = place.push(app, "Repeated").ok()
    assert again["status"] == ("up_to_date" if arrives else "pushed")
    assert place.messages().count("Lost") == arrives
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


def test_an_unknown_outcome_is_settled_before_the_next_push(place, app):
    """What was edited since is pushed on top of what arrived, and is no conflict with it."""
    place.post_fault("cut", times=1, after_response_bytes=0)
    place.advert_fault("drop", skip=1)
    place.push(app, "Lost").refused(502, "host_unreachable")
    place.edit(app, with_text(app.document, "edited once more"))
    place.host.clear_faults()
    assert place.push(app, "Next").ok()["status"] == "pushed"
    assert place.messages()[:2] == ["Next", "Lost"]
    assert {entry["state"] for entry in place.settled()} == {"done"}


def test_an_unknown_outcome_outlives_a_restart(start_daemon, tmp_path, faulty_on):
    daemon = start_daemon(tmp_path / "data", git_timeout="5s", breaker_failures=0)
    place = faulty_on(daemon)
    app = place.pushed_app()
    place.disturb(app)
    edited = with_text(app.document, "edited")
    place.edit(app, edited)
    place.post_fault("cut", times=1, after_request_bytes=60)
    place.advert_fault("drop", skip=1)
    place.push(app, "Lost")
    # What the caller did since is nobody's to push.
    place.edit(app, with_text(app.document, "not to be pushed"))
    daemon.restart()
    place.host.clear_faults()
    assert [entry["state"] for entry in place.settled()] == ["failed", "done"]
    assert "Lost" not in place.messages()
    daemon.stop()


@pytest.mark.parametrize("status", [403, 404, 413, 429])
def test_a_push_that_is_refused_leaves_no_trace(place, app, status):
    headers = {"Retry-After": "90"} if status == 429 else {}
    place.post_fault("respond", status=status, headers=headers)
    with place.unchanged():
        answer = place.push(app, "Refused")
        assert answer.status == {403: 400, 404: 400, 413: 413, 429: 503}[status], answer.body
    assert_readable(answer.json)
    place.host.clear_faults()
    assert place.push(app, "Works again").ok()["status"] == "pushed"
    assert [entry["state"] for entry in place.settled()] == ["done", "failed", "done"]


# Tokens


@pytest.mark.parametrize("step", ["advertisement", "push", "upload"])
def test_a_token_expires_at_the_worst_moment(place, app, step):
    if step == "advertisement":
        place.advert_fault("pass", expire_tokens=True, times=1)
    elif step == "push":
        place.post_fault("pass", expire_tokens=True, times=1)
    else:
        place.repo.commit_files("main", {"other.txt": "1"}, "Somebody else")
        place.post_fault("pass", "git-upload-pack", expire_tokens=True, times=1)
    assert place.push(app, "Pushed").ok()["status"] == "pushed"
    assert place.repo.read_file(PATH) == app.bytes


def test_a_refused_token_is_renewed_only_once(place, app):
    rule = place.advert_fault("respond", status=401)
    with place.unchanged():
        assert_readable(place.push(app, "Refused").refused(502, "host_denied"))
    assert place.host.hits(rule) == 2


def test_all_tokens_end_between_two_calls(place, app):
    place.host.expire_tokens()
    assert place.push(app, "Pushed").ok()["status"] == "pushed"


# Others at work


def test_somebody_is_faster(place, app):
    files = {"other.txt": "somebody was faster"}
    place.post_fault("pass", times=1, race_commit={"repo": place.repo.name, "files": files})
    answer = place.push(app, "Pushed").ok()
    assert answer["commit"]["sha"] == place.repo.head()
    assert place.repo.read_file("other.txt") == b"somebody was faster"


def push_through(place, app):
    """The id of the commit; whom others were always faster than asks again."""
    place.edit(app, with_text(app.document, unique("text")))
    message = unique("Push")

    def push():
        answer = place.push(app, message)
        assert answer.status == 200 or answer.json["code"] == "branch_moved", answer.body
        return answer.status == 200 and answer.json["commit"]["sha"]

    return until(push)


def test_outsiders_push_all_the_while(server, faulty_on):
    """Every acknowledged push is in the branch, and so is every commit of the outsiders."""
    place = faulty_on(server)
    apps = [place.import_app(new_document(unique("App"))) for _ in range(3)]
    stop, told, outside = threading.Event(), [], []

    def interfere():
        while not stop.is_set():
            before, files = len(told), {"noise.txt": str(len(outside))}
            try:
                outside.append(place.repo.commit_files("main", files, unique("Noise")))
            except GitError:  # the server was faster
                continue
            while len(told) == before and not stop.wait(0.005):
                pass  # a push comes next, however slow they are

    def work(app):
        for number in range(6):
            until(lambda: len(outside) >= number // 2)  # and an outsider, however slow
            told.append(push_through(place, app))

    noise = threading.Thread(target=interfere)
    workers = [threading.Thread(target=work, args=(app,)) for app in apps]
    noise.start()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    stop.set()
    noise.join()
    history = {commit.sha for commit in place.repo.log(limit=10000)}
    assert len(told) == 18 and len(outside) >= 2
    assert set(told) <= history and set(outside) <= history
    place.assert_sound()


def test_somebody_force_pushes(place, app):
    """History is rewritten under the server: it takes what is there now and builds on it."""
    for number in range(4):
        place.repo.force_push("main", {"README.md": str(number)}, f"Rewritten {number}")
        place.edit(app, with_text(app.document, f"edited {number}"))
        answer = place.push(app, f"Pushed {number}").ok()
        assert answer["commit"]["parent"] == place.repo.log()[1].sha
        assert place.repo.read_file(PATH) == app.bytes
        assert place.repo.read_file("README.md") == str(number).encode()


def test_two_servers_push_to_one_branch(server, start_daemon, tmp_path, faulty_on):
    other = start_daemon(tmp_path / "other", breaker_failures=0)
    first = faulty_on(server)
    second = faulty_on(other, first.repo)
    told = {first: [], second: []}

    def work(place):
        for _ in range(8):
            app = place.import_app(new_document(unique("App")))
            for _ in range(2):
                told[place].append(push_through(place, app))

    workers = [threading.Thread(target=work, args=(place,)) for place in told]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    history = {commit.sha for commit in first.repo.log(limit=10000)}
    for acknowledged in told.values():
        assert len(acknowledged) == 16
        assert set(acknowledged) <= history
    for place in told:
        for entry in place.client.apps(place.id).ok():
            name, version = entry["name"], entry["versions"][0]
            stored = place.client.export(place.id, entry["id"]).body
            if place.repo.read_file(f"{name}/v1.json") is not None:
                pulled = place.client.pull(entry["id"]).ok()
                assert pulled["status"] == "up_to_date", (pulled, version)
                assert place.repo.read_file(f"{name}/v1.json") == stored
        place.assert_sound()
    other.stop()
