# SPDX-License-Identifier: Apache-2.0
"""Calls with headers of their own, calls at the same time, and following an operation."""

import http.client
import json
import threading
import time
import uuid

from client import path_of

OPEN_STATES = ("queued", "running", "committed")
PATIENCE_SECONDS = 30


def new_key():
    return f"key-{uuid.uuid4()}"


def push_path(app):
    return path_of("apps", app.id, "versions", app.version, "git-sync", "push")


def send(client, method, path, body=None, **headers):
    """Header names are written with underscores; None leaves one out."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.send(method, path, body, headers=given)


def keyed(client, key, method, path, body=None, **headers):
    return send(client, method, path, body, Idempotency_Key=key, **headers)


def keyed_push(place, app, key, message="Push", **members):
    return keyed(place.client, key, "POST", push_path(app), {"commitMessage": message} | members)


def push_async(place, app, message="Push", **members):
    """The answer, before the push was made."""
    body = {"commitMessage": message} | members
    return send(place.client, "POST", push_path(app), body, Prefer="respond-async")


def accepted(answer):
    """The operation that a 202 tells of."""
    operation = answer.ok(202)
    path = f"/api/ext/operations/{operation['id']}"
    assert answer.headers["Location"] == path
    assert answer.headers["X-Operation-Id"] == operation["id"]
    assert answer.headers["Preference-Applied"] == "respond-async"
    return operation


def is_replayed(answer):
    return answer.headers["Idempotency-Replayed"] == "true"


def at_once(calls):
    """What the calls give, made at the same moment; an exception is raised here."""
    answers = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(number, call):
        barrier.wait()
        try:
            answers[number] = call()
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            answers[number] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class Background:
    """A call that goes on beside the test."""

    def __init__(self, call):
        self.answer = None
        self.error = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call):
        try:
            self.answer = call()
        except (OSError, http.client.HTTPException) as error:
            self.error = error

    @property
    def is_running(self):
        return self._thread.is_alive()

    def wait(self):
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the call did not end"
        return self.answer


def until(check):
    """The first true value of the check."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def ended(client, operation):
    """The operation once it is open no more."""

    def look():
        entry = client.operation(operation).ok()
        return entry if entry["state"] not in OPEN_STATES else None

    return until(look)


def open_operation(place, phase=None):
    """The operation that is under way, once it has come to the phase."""

    def look():
        for entry in place.client.operations(organizationId=place.id).ok()["data"]:
            if entry["state"] in OPEN_STATES and phase in (None, entry["phase"]):
                return entry
        return None

    return until(look)


class Events:
    """A stream of events, read as they come; headers as for send()."""

    def __init__(self, client, operation, *, authorization=None, **headers):
        given = {"Authorization": authorization or client.authorization}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection = http.client.HTTPConnection(client.daemon.address, timeout=60)
        self.connection.request("GET", path_of("operations", operation, "events"), headers=given)
        self.response = self.connection.getresponse()
        self.status, self.headers = self.response.status, self.response.headers

    def blocks(self):
        """The lines of each event or comment, until the stream ends."""
        lines = []
        for line in self.response:
            text = line.decode().rstrip("\n")
            if text:
                lines.append(text)
            else:
                yield lines
                lines = []
        assert not lines, "the stream ended inside an event"

    def __iter__(self):
        """(event, id, data) of each event."""
        for lines in self.blocks():
            if lines[0].startswith(":"):
                continue
            fields = dict(line.split(": ", 1) for line in lines)
            assert list(fields) == ["event", "id", "data"]
            yield fields["event"], fields["id"], json.loads(fields["data"])

    def last(self):
        """The last event, once the stream has ended."""
        return list(self)[-1]

    def close(self):
        self.response.close()
        self.connection.close()
