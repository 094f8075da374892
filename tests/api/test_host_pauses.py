# SPDX-License-Identifier: Apache-2.0
"""A host that asks to wait, one that is down, and one that hangs: who waits, who is told at once, and who is not concerned."""

import contextlib
import re
import threading
import time

import pytest
from client import Client
from faulty import FaultyPlace
from keyed import until
from place import with_text

WAIT = {"status": 429, "headers": {"Retry-After": "1"}}
LONG_SECONDS = 4  # in which others get done what takes a few hundredths on an idle machine
FAST_SECONDS = 5


@pytest.fixture(autouse=True)
def without_faults(host):
    yield
    host.clear_faults()


def edited(place):
    """An app that is in git, with something new to push; the push asks first."""
    app = place.pushed_app()
    place.disturb(app)
    place.edit(app, with_text(app.document, "edited"))
    return app


class Call(threading.Thread):
    """A call on its way; join_() gives its answer and how long it took."""

    def __init__(self, run):
        super().__init__()
        self._run_call = run
        self.start()

    def run(self):
        begin = time.monotonic()
        self.answer = self._run_call()
        self.seconds = time.monotonic() - begin

    def join_(self):
        self.join()
        return self.answer, self.seconds


def timed(run):
    return Call(run).join_()


def metric(daemon, name):
    """All samples of that name, by their labels."""
    body = Client(daemon).send("GET", "/metrics").body.decode()
    return dict(re.findall(rf"^{name}(\{{.*\}})? (\d+)$", body, re.MULTILINE))


# The host asks to wait


def strike(place, step, **members):
    """The number of the rule."""
    if step == "token":
        place.host.expire_tokens()
        return place.api_fault("respond", **members)
    if step == "advertisement":
        return place.advert_fault("respond", **members)
    return place.post_fault("respond", **members)


LIMITS = [("token", 429), ("token", 503), ("advertisement", 429), ("advertisement", 403), ("push", 429)]


@pytest.mark.parametrize("step, status", LIMITS, ids=[f"{step}-{status}" for step, status in LIMITS])
def test_a_call_waits_as_long_as_the_host_asks(start, faulty_on, place_on, step, status):
    """On the only worker there is, which goes on with other repositories in the meantime."""
    daemon = start(git_workers=1)
    place, other = faulty_on(daemon), place_on(daemon)
    app, others = edited(place), edited(other)
    rule = strike(place, step, times=1, status=status, headers={"Retry-After": str(LONG_SECONDS)})
    waiting = Call(lambda: place.push(app, "Waited"))
    until(lambda: place.host.hits(rule))
    other.push(others, "Did not wait").ok()
    assert waiting.is_alive()
    answer, seconds = waiting.join_()
    assert answer.ok()["status"] == "pushed"
    assert LONG_SECONDS <= seconds < LONG_SECONDS + FAST_SECONDS
    assert [entry["state"] for entry in place.settled()] == ["done", "done"]
    place.assert_sound()


def test_those_who_come_later_wait_as_well(start, faulty_on):
    place = faulty_on(start())
    apps = [place.pushed_app(f"App {number}") for number in range(4)]
    for app in apps:
        place.edit(app, with_text(app.document, "edited"))
    place.advert_fault("respond", times=1, **WAIT)
    calls = [Call(lambda app=app: place.push(app, f"Push of {app.id}")) for app in apps]
    for call in calls:
        call.join_()[0].ok()
    place.assert_sound()


def test_a_configuration_and_a_pull_wait_too(start, host, make_repo):
    place = FaultyPlace(start(), host, make_repo())
    place.api_fault("respond", times=1, **WAIT)
    answer, seconds = timed(place.configure)
    answer.ok(201)
    assert seconds >= 1
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "changed in git"))
    place.advert_fault("respond", "git-upload-pack", times=1, **WAIT)
    answer, seconds = timed(lambda: place.client.pull(app.id))
    assert answer.ok()["status"] == "updated" and seconds >= 1
    place.assert_no_secrets()


def test_a_limit_that_never_ends(start, faulty_on):
    """A reset in the year 292 billion is a host's mistake; the call fails and says so."""
    place = faulty_on(start())
    app = edited(place)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(2**63 - 1)}
    place.advert_fault("respond", times=1, status=429, headers=headers)
    answer = place.push(app, "Limited")
    assert answer.refused(503, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert place.client.operations(appId=app.id).ok()["data"][0]["state"] == "failed"
    assert place.push(app, "Later").ok()["status"] == "pushed"


@pytest.mark.parametrize("step", ["token", "advertisement", "push"])
def test_who_cannot_wait_is_told_at_once(start, faulty_on, step):
    place = faulty_on(start(git_timeout="12s"))
    app = edited(place)
    strike(place, step, status=429, headers={"Retry-After": "17"})
    with place.unchanged():
        answer, seconds = timed(lambda: place.push(app, "Refused"))
    answer.refused(503, "rate_limited")
    assert answer.headers["Retry-After"] == "17"
    assert seconds < 10
    assert [entry["state"] for entry in place.settled()] == ["failed", "done"]


def test_a_host_that_asks_again_and_again(start, faulty_on):
    """The call ends with its time, and tells what the host said last."""
    place = faulty_on(start(git_timeout="7s"))
    app = edited(place)
    rule = place.advert_fault("respond", status=429, headers={"Retry-After": "4"})
    answer, seconds = timed(lambda: place.push(app, "Refused"))
    answer.refused(503, "rate_limited")
    # The second time it says so three seconds are left, which is too few to wait and enough to ask.
    assert place.host.hits(rule) == 2
    assert 4 <= seconds < 7 + FAST_SECONDS


def test_a_server_that_stops_lets_nobody_wait(start_daemon, tmp_path, faulty_on):
    daemon = start_daemon(tmp_path / "stopped", stop_timeout="9s")
    place = faulty_on(daemon)
    app = edited(place)
    rule = place.advert_fault("respond", status=429, headers={"Retry-After": "20"})
    waiting = Call(lambda: place.push(app, "Interrupted"))
    until(lambda: place.host.hits(rule))
    begin = time.monotonic()
    daemon.stop()
    assert time.monotonic() - begin < FAST_SECONDS
    waiting.join_()[0].refused(503, "rate_limited")


# A host that is down


class Pauses:
    """Of a host that is down. They begin with a second and double, so that one comes that is long enough for a test on any machine."""

    def __init__(self, daemon, place, app, rule):
        self.daemon, self.place, self.app, self.rule = daemon, place, app, rule
        self.labels = f'{{origin="http://{place.repo.fault_url.split("/")[2]}"}}'

    def failures(self):
        """In a row. What the host counts may be more: a request on a kept connection that broke is sent once more."""
        told = metric(self.daemon, "gitsync_git_host_failures")
        assert list(told) == [self.labels]
        return int(told[self.labels])

    def is_paused(self):
        told = metric(self.daemon, "gitsync_git_host_paused")
        assert list(told) == [self.labels]
        return told[self.labels] == "1"

    def refused(self):
        """The answer to a push during a pause; the host hears nothing of it."""

        def push():
            before = self.place.host.hits(self.rule)
            answer = self.place.push(self.app, "Not tried")
            if answer.status == 503:
                answer.refused(503, "host_down")
                assert self.place.host.hits(self.rule) == before
                # The first one begins with the fifth failure.
                assert 1 <= int(answer.headers["Retry-After"]) <= 2 ** (self.failures() - 5)
                return answer
            return self._lost(answer, before)

        return until(push)

    def probed(self):
        """Waits until a pause has ended and one call has found out that the host is down still."""

        def push():
            before = self.place.host.hits(self.rule)
            answer = self.place.push(self.app, "Tried and lost")
            return answer.status != 503 and not self._lost(answer, before)

        until(push)

    def _lost(self, answer, before):
        assert answer.status == 502, answer.body
        assert self.place.host.hits(self.rule) > before


def test_a_host_that_is_down_is_left_alone(start, faulty_on, place_on):
    daemon = start()
    place, other = faulty_on(daemon), place_on(daemon)
    app, others = edited(place), edited(other)
    rule = place.git_fault("drop")
    for _ in range(2):  # of three tries each
        assert place.push(app, "Lost").status in (502, 503)
    pauses = Pauses(daemon, place, app, rule)
    pauses.refused()
    # Somebody else's host is not concerned.
    assert other.push(others, "Another host").ok()["status"] == "pushed"
    until(lambda: pauses.refused() and pauses.is_paused())
    # After the pause one call finds out; the next one is longer.
    before = pauses.failures()
    pauses.probed()
    assert pauses.failures() > before >= 5
    until(lambda: int(pauses.refused().headers["Retry-After"]) > 1)
    place.host.clear_faults()
    answer = until(lambda: (told := place.push(app, "Recovered")).status != 503 and told)
    assert answer.ok()["status"] == "pushed"
    assert metric(daemon, "gitsync_git_host_failures") == {}
    place.assert_sound()


def test_an_api_that_is_down_is_left_alone(start, faulty_on):
    place = faulty_on(start(breaker_failures=3))
    app = edited(place)
    place.host.expire_tokens()
    place.api_fault("respond", status=502)
    place.push(app, "Lost").refused(502, "host_failed")
    answer = until(lambda: (told := place.push(app, "Not tried")).status == 503 and told)
    answer.refused(503, "host_down")
    place.host.clear_faults()
    answer = until(lambda: (told := place.push(app, "Recovered")).status != 503 and told)
    assert answer.ok()["status"] == "pushed"


# A host that hangs


def hold(place):
    """The host says nothing to this place any more, until it is let go."""
    return place.git_fault("pass", hold=True)


@contextlib.contextmanager
def hanging(places):
    """A call of each hangs meanwhile, however long that is."""
    calls = []
    for place in places:
        app = edited(place)
        held = hold(place)
        call = Call(lambda place=place, app=app: place.push(app, "Hangs"))
        until(lambda place=place, held=held: place.host.hits(held))
        calls.append((place, held, call))
    yield
    assert all(call.is_alive() for *_, call in calls)
    for place, held, call in calls:
        place.let_go(held)
        assert call.join_()[0].ok()["status"] == "pushed"


def test_one_slow_repository_delays_no_other(start, faulty_on):
    """Two workers, one of them in a repository that hangs, and twenty others on the same host."""
    daemon = start(git_workers=2)
    slow, others = faulty_on(daemon), [faulty_on(daemon) for _ in range(20)]
    apps = [edited(place) for place in others]
    with hanging([slow]):
        answers = [
            Call(lambda place=place, app=app: place.push(app, "In time"))
            for place, app in zip(others, apps)
        ]
        for call in answers:
            assert call.join_()[0].ok()["status"] == "pushed"


def test_a_host_that_hangs_leaves_workers_to_the_others(start, faulty_on, place_on):
    """More repositories hang than there are workers."""
    daemon = start(git_workers=4)
    slow, other = [faulty_on(daemon) for _ in range(3)], place_on(daemon)
    waiting, app = [faulty_on(daemon) for _ in range(2)], edited(other)
    held = [hold(place) for place in waiting]
    with hanging(slow):
        late = [Call(place.configure) for place in waiting]
        for number in range(3):
            other.edit(app, with_text(app.document, f"edited {number}"))
            assert other.push(app, f"Push {number}").ok()["status"] == "pushed"
        assert all(call.is_alive() for call in late)
    for place, rule in zip(waiting, held):
        place.let_go(rule)
    for call in late:
        call.join_()[0].ok(201)
