# SPDX-License-Identifier: Apache-2.0
"""The log of requests: nginx's access log, joined with what the host knew of the caller.

nginx writes a line after its answer has left, so a reader waits for the lines of the requests that
were begun.
"""

import asyncio
import json
import time

from .faults import service_of

LOG_FORMAT = (
    '{"id":"$request_id","time":"$msec","method":"$request_method","target":"$request_uri",'
    '"scheme":"$scheme","status":"$status","userAgent":"$http_user_agent",'
    '"protocol":"$server_protocol",'
    '"bytesIn":"$request_length","bytesOut":"$bytes_sent","seconds":"$request_time",'
    '"connection":"$connection","fault":"$http_x_githost_fault"}'
)
NUMBERS = {"time": float, "status": int, "bytesIn": int, "bytesOut": int, "seconds": float}
POLL_SECONDS = 0.005


class Journal:
    def __init__(self, access_log):
        access_log.touch()
        self._file = access_log.open("rb")
        self._file.seek(0, 2)
        self._rest = b""
        self._callers = {}
        self._entries = []

    def begin(self, request_id, token_kind):
        """A request reached the host; nginx reports its outcome under the same id later."""
        if request_id:
            self._callers[request_id] = token_kind

    def add_unforwarded(self, method, target, user_agent, fault):
        """A request that the fault proxy answered, or did not answer, by itself."""
        entry = {"time": time.time(), "method": method, "status": None, "userAgent": user_agent}
        self._entries.append(entry | _place(target) | {"tokenKind": None, "fault": fault})

    async def entries(self, patience=2.0):
        """All requests in the order they ended; those still open after patience are left out."""
        give_up = time.monotonic() + patience
        self._read_log()
        while self._callers and time.monotonic() < give_up:
            await asyncio.sleep(POLL_SECONDS)
            self._read_log()
        return sorted(self._entries, key=lambda entry: entry["time"])

    async def reset(self):
        await self.entries()
        self._entries.clear()
        self._callers.clear()

    def _read_log(self):
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            self._entries.append(self._complete(json.loads(line)))

    def _complete(self, line):
        entry = {key: NUMBERS.get(key, str)(value) for key, value in line.items()}
        entry |= _place(entry.pop("target"))
        entry["tokenKind"] = self._callers.pop(entry.pop("id"), None)
        entry["fault"] = entry["fault"] or None
        return entry


def _place(target):
    path, _, query = target.partition("?")
    return {"path": path, "query": query, "service": service_of(target)}
