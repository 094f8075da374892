# SPDX-License-Identifier: Apache-2.0
"""Killing a server at a named step of a call, and what there is to wait for afterwards."""

import http.client
import os
import time

import pytest

needs_hooks = pytest.mark.skipif(
    os.environ.get("GITSYNC_TEST_HOOKS") != "1", reason="the program was built without test hooks"
)
PUSH_POINTS = ["looked", "prepared", "committed", "pushed", "recorded"]
PULL_POINTS = ["read", "written", "recorded"]
SETTLE_SECONDS = 30


def die(daemon, point, call):
    """Makes the call on a server that dies at that point, and starts the server again."""
    daemon.stop()
    daemon.crash_at = point
    daemon.start()
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        call()
    daemon.wait_killed()
    daemon.crash_at = None
    daemon.start()


def settled(client):
    """All operations, once none is open any more."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        entries = client.operations().ok()["data"]
        if all(entry["state"] in ("done", "failed", "cancelled") for entry in entries):
            return entries
    pytest.fail(f"operations are still open: {entries}")
