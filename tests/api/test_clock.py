# SPDX-License-Identifier: Apache-2.0
"""The wall clock of the server jumps while it runs: what is counted in time stays right, and what has to be true to the host says so."""


import pytest
from client import Client
from crashing import needs_hooks
from keyed import is_replayed, keyed_push, new_key
from place import with_text

pytestmark = needs_hooks

HOUR = 3600 * 1000
YEAR = 365 * 24 * HOUR
JUMPS = pytest.mark.parametrize("jump", [-HOUR, HOUR // 2, YEAR], ids=["back", "ahead", "a-year"])


@pytest.fixture
def clock(tmp_path):
    """Sets the server's clock off by that many milliseconds."""
    file = tmp_path / "clock"

    def shift(milliseconds):
        new = file.with_suffix(".new")
        new.write_text(str(milliseconds))
        new.replace(file)  # never half written

    shift(0)
    shift.file = file
    return shift


@pytest.fixture
def daemon(start_daemon, clock, tmp_path):
    running = start_daemon(tmp_path / "data", git_timeout="5s", breaker_failures=0)
    running.stop()
    running.clock_file = clock.file
    running.start()
    yield running
    clock(0)
    running.stop()


@pytest.fixture
def place(daemon, host, faulty_on):
    made = faulty_on(daemon)
    yield made
    host.clear_faults()
    made.assert_sound()


def uptime(client):
    answer = client.send("GET", "/metrics", headers={"Authorization": None})
    lines = answer.body.decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("gitsync_uptime_seconds "))


@pytest.mark.parametrize("jump", [-HOUR, HOUR // 2], ids=["back", "ahead"])
def test_time_that_passed_is_not_the_clock(place, clock, jump):
    """Uptime and deadlines; a silent host is given up after git_timeout, whatever the clock says."""
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "edited"))
    clock(jump)
    assert uptime(place.client) < 60
    place.post_fault("silent", times=1)
    place.advert_fault("silent")
    answer = place.push(app, "Silent")
    assert answer.status == 504, answer.body
    place.host.clear_faults()
    clock(0)
    assert place.push(app, "Again").ok()["status"] in ("pushed", "up_to_date")
    assert place.repo.read_file("Orders/v1.json") == app.bytes


def test_a_token_outlives_a_clock_that_goes_back(place, clock):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "edited"))
    clock(-HOUR)
    assert place.push(app, "Back").ok()["status"] == "pushed"


def test_a_token_is_not_trusted_longer_when_the_clock_goes_back(place, host, clock):
    """The host ends it in its own time; the refusal leads to a new one, whose request bears the time of this clock."""
    app = place.pushed_app()
    host.expire_tokens()
    clock(-HOUR // 60)
    place.edit(app, with_text(app.document, "edited"))
    assert place.push(app, "A minute back").ok()["status"] == "pushed"


@pytest.mark.parametrize("jump", [-HOUR, YEAR], ids=["back", "a-year"])
def test_a_request_for_a_token_bears_the_clock(place, host, clock, jump):
    """Which the host refuses when it is wrong; the answer is the host's word, and it works when the clock is right again."""
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "edited"))
    host.expire_tokens()
    clock(jump)
    with place.unchanged():
        error = place.push(app, "Refused").json
    assert "claim" in error["message"], error
    clock(0)
    assert place.push(app, "Works again").ok()["status"] == "pushed"


def test_a_key_while_the_clock_jumps(place, clock):
    """It counts from the call by the clock: what was answered stays until it is a day older."""
    app, key = place.new_app(), new_key()
    first = keyed_push(place, app, key)
    first.ok()
    for jump in (-HOUR, 23 * HOUR, -YEAR):
        clock(jump)
        again = keyed_push(place, app, key)
        assert is_replayed(again) and again.body == first.body
    clock(0)
    assert keyed_push(place, app, key).body == first.body


@JUMPS
def test_a_restart_at_another_time(place, daemon, clock, jump):
    """What retention removes at the start it removes by the clock; apps and what they agreed on with git are not its business."""
    app = place.pushed_app()
    clock(jump)
    daemon.restart()
    clock(0)
    client = Client(daemon)
    assert client.status(app.id).ok()["state"] == "in_sync"
    place.edit(app, with_text(app.document, "edited"))
    assert place.push(app, "After").ok()["status"] == "pushed"
