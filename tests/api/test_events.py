# SPDX-License-Identifier: Apache-2.0
"""The steps of operations as server-sent events: in order, to their end, and without harm by whoever listens badly."""

import re
import socket
import time

from client import Client, path_of
from keyed import Events, accepted, at_once, ended, open_operation, push_async, until
from place import with_text

NOWHERE = "00000000-0000-4000-8000-000000000000"
BEAT_SECONDS = 15


def held_push(place):
    """An operation that is open until the host lets it go, and what is to be let go."""
    held = place.hold_advert()
    operation = accepted(push_async(place, place.new_app()))["id"]
    open_operation(place, "connecting")
    return operation, held


def connections(client):
    text = client.send("GET", "/metrics").body.decode()
    return int(re.search(r"^gitsync_http_connections (\d+)$", text, re.MULTILINE).group(1))


# What is told


def test_the_way_of_a_push(faulty):
    sent = faulty.hold_post()
    operation, held = held_push(faulty)
    stream = Events(faulty.client, operation)
    assert stream.status == 200
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.headers["Cache-Control"] == "no-store"
    assert stream.headers["X-Accel-Buffering"] == "no"
    events, coming = [], iter(stream)
    for phase, rule in (("connecting", held), ("pushing", sent)):
        while not events or events[-1][2]["phase"] != phase:
            events.append(next(coming))
        faulty.let_go(rule)
    events += coming
    assert [event for event, _, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    assert len({name for _, name, _ in events}) == len(events)
    told = [data for _, _, data in events]
    assert [entry["id"] for entry in told] == [operation] * len(told)
    assert told[0]["phase"] == "connecting" and told[0]["state"] == "running"
    progress = [entry["progress"] for entry in told]
    assert progress == sorted(progress) and progress[-1] == 100
    assert events[-1][0] == "end" and told[-1] == faulty.client.operation(operation).ok()
    assert told[-1]["result"]["status"] == "pushed"


def test_an_operation_that_has_ended(place):
    app = place.new_app()
    done = place.push(app).ok()["operationId"]
    place.repo.protect("main")
    place.edit(app, with_text(app.document, "edited"))
    failed = place.push(app).headers["X-Operation-Id"]
    for operation in (done, failed):
        ((event, _, data),) = Events(place.client, operation)
        assert event == "end" and data == place.client.operation(operation).ok()


def test_a_cancellation_is_told_at_once(faulty):
    """The task may still be waiting for its host; those who listen need not."""
    operation, _ = held_push(faulty)
    stream = Events(faulty.client, operation)
    events = iter(stream)
    assert next(events)[0] == "progress"
    before = time.monotonic()
    faulty.client.cancel(operation).ok()
    event, _, data = next(events)
    assert (event, data["state"]) == ("end", "cancelled")
    assert next(events, None) is None
    # The host has not let go of it yet; only the server's patience with hosts, a minute, would end it otherwise.
    assert time.monotonic() - before < 30


def test_everybody_hears_the_end(faulty):
    operation, held = held_push(faulty)
    streams = at_once([lambda: Events(faulty.client, operation)] * 40)
    faulty.let_go(held)
    ends = at_once([stream.last for stream in streams])
    assert {(event, data["state"]) for event, _, data in ends} == {("end", "done")}


def test_who_may_not_listen(place):
    operation = place.push(place.new_app()).ok()["operationId"]
    assert Events(place.client, operation, authorization="Bearer wrong").status == 403
    place.client.send("GET", path_of("operations", NOWHERE, "events")).refused(404, "not_found")


# Coming back


def test_a_client_that_has_heard_the_end_stays_away(place):
    """204 is what an EventSource takes for an end; it would come back for ever otherwise."""
    operation = place.push(place.new_app()).ok()["operationId"]
    _, name, _ = Events(place.client, operation).last()
    again = Events(place.client, operation, Last_Event_ID=name)
    assert again.status == 204 and again.response.read() == b""


def test_a_client_that_has_missed_something(faulty):
    operation, held = held_push(faulty)
    stream = Events(faulty.client, operation)
    _, name, data = next(iter(stream))
    stream.close()
    faulty.let_go(held)
    missed = list(Events(faulty.client, operation, Last_Event_ID=name))
    assert name not in [other for _, other, _ in missed]
    assert missed[-1][0] == "end"
    assert missed[-1][2]["updatedAt"] > data["updatedAt"]
    for stale in (name, "0", "x" * 300, missed[0][1] + "x"):
        assert Events(faulty.client, operation, Last_Event_ID=stale).last() == missed[-1]


# Those who listen badly


def test_readers_that_go_away(faulty):
    before = connections(faulty.client)
    operation, held = held_push(faulty)
    for _ in range(20):
        stream = Events(faulty.client, operation)
        next(iter(stream))
        stream.connection.sock.shutdown(socket.SHUT_RDWR)
        stream.close()
    faulty.let_go(held)
    assert ended(faulty.client, operation)["state"] == "done"
    until(lambda: connections(faulty.client) <= before)
    assert Events(faulty.client, operation).last()[0] == "end"


def test_readers_that_do_not_read(start, faulty_on):
    """Nobody else waits for them, nor does the end of the server."""
    daemon = start()
    place = faulty_on(daemon)
    operation, held = held_push(place)
    deaf = []
    for _ in range(10):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        address, port = daemon.address.rsplit(":", 1)
        sock.connect((address, int(port)))
        request = f"GET {path_of('operations', operation, 'events')} HTTP/1.1\r\nHost: a\r\n"
        request += f"Authorization: {place.client.authorization}\r\n\r\n"
        sock.sendall(request.encode())
        deaf.append(sock)
    place.let_go(held)
    assert Events(place.client, operation).last()[2]["state"] == "done"
    daemon.stop()
    for sock in deaf:
        sock.close()


def test_a_stop_with_open_streams(start, host, faulty_on):
    """Each ends properly, so that the client knows to come back, and none holds the server up."""
    daemon = start(git_timeout="30s")
    place = faulty_on(daemon)
    operation, held = held_push(place)
    streams = [Events(place.client, operation) for _ in range(20)]
    for stream in streams:
        next(iter(stream))
    place.post_fault("pass", delay_ms=1500, times=1)  # it is still under way when the stop comes
    place.let_go(held)
    before = time.monotonic()
    daemon.stop()
    assert time.monotonic() - before < 10
    for stream in streams:
        assert stream.response.read() is not None  # to the end, and not cut off
    daemon.start()
    host.clear_faults()
    assert Events(Client(daemon), operation).last()[2]["state"] == "done"


def test_streams_leave_room_for_calls(start, faulty_on):
    daemon = start(max_connections=6)
    place = faulty_on(daemon)
    operation, held = held_push(place)
    streams = [Events(place.client, operation) for _ in range(3)]
    path = path_of("operations", operation, "events")
    full = place.client.send("GET", path)
    assert full.refused(503, "overloaded") and full.headers["Retry-After"]
    place.let_go(held)
    for stream in streams:
        assert stream.last()[0] == "end"
    assert Events(place.client, operation).last()[0] == "end"


def test_a_quiet_stream_shows_that_it_is_there(faulty):
    """Proxies close what says nothing."""
    operation, _ = held_push(faulty)
    before = time.monotonic()
    blocks = Events(faulty.client, operation).blocks()
    assert next(blocks)[0].startswith("event: ")
    assert next(blocks) == [":"]
    assert BEAT_SECONDS - 1 < time.monotonic() - before < 2 * BEAT_SECONDS
    faulty.client.cancel(operation).ok()


def test_a_method_that_it_does_not_have(place):
    operation = place.push(place.new_app()).ok()["operationId"]
    path = path_of("operations", operation, "events")
    place.client.send("POST", path, {}).refused(405, "method_not_allowed")


def test_what_is_too_long_for_a_stream(place):
    """Left out there, and had with GET."""
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "t" * 600_000))
    place.edit(app, with_text(app.document, "o" * 600_000))
    operation = place.client.pull(app.id).headers["X-Operation-Id"]
    whole = place.client.operation(operation).ok()
    ((event, _, data),) = Events(place.client, operation)
    assert event == "end" and len(whole["error"].pop("details")) == 1
    assert data == whole
