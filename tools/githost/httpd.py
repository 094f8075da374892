# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on asyncio streams: read a head, read a body, answer, keep the connection alive.

Knows no path and no rule of the host; the API, the admin interface and the fault proxy build on it.
"""

import asyncio
import json
import traceback
import urllib.parse
from dataclasses import dataclass, field
from http import HTTPStatus

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
CHUNK = 64 * 1024


class BadRequest(Exception):
    """What the peer sent is not HTTP as we speak it."""


@dataclass
class Head:
    """The first line and the header fields of a message, in the order and spelling they came in."""

    start: str
    fields: list

    def get(self, name, default=None):
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), default)

    def without(self, *names):
        dropped = {name.lower() for name in names}
        return Head(self.start, [(k, v) for k, v in self.fields if k.lower() not in dropped])

    def encode(self):
        lines = [self.start] + [f"{key}: {value}" for key, value in self.fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass
class Request:
    method: str
    target: str
    headers: dict
    body: bytes = b""

    @property
    def path(self):
        """The path as sent, not yet percent-decoded, so that an encoded slash stays one segment."""
        return self.target.partition("?")[0]

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2]))

    def json(self):
        """The body as a JSON object; an empty body is an empty object."""
        try:
            value = json.loads(self.body) if self.body.strip() else {}
        except ValueError as cause:
            raise BadRequest("Problems parsing JSON") from cause
        if not isinstance(value, dict):
            raise BadRequest("Body should be a JSON object")
        return value


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)

    @classmethod
    def of_json(cls, value, status=200, headers=None):
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), kind | (headers or {}))

    def encode(self, keep_alive, with_body=True):
        bodiless = self.status in (204, 304)
        fields = list(self.headers.items())
        if not bodiless:
            fields.append(("Content-Length", len(self.body)))
        fields.append(("Connection", "keep-alive" if keep_alive else "close"))
        head = Head(f"HTTP/1.1 {self.status} {reason(self.status)}", fields).encode()
        return head if bodiless or not with_body else head + self.body


def reason(status):
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


async def read_head(reader):
    """The next message head, or None when the peer closed between two messages."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cause:
        if cause.partial:
            raise BadRequest("the connection ended inside a message head") from cause
        return None
    except asyncio.LimitOverrunError as cause:
        raise BadRequest("the message head is too long") from cause
    start, *lines = raw[:-4].decode("latin-1").split("\r\n")
    fields = []
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon or not key or key != key.strip():
            raise BadRequest("a header field has no name")
        fields.append((key, value.strip()))
    return Head(start, fields)


async def iterate_body(reader, head, until_close=False):
    """The body of a message in pieces, decoded from chunks; until_close is for responses."""
    if "chunked" in (head.get("Transfer-Encoding") or "").lower():
        async for piece in _iterate_chunks(reader):
            yield piece
    elif head.get("Content-Length") is not None:
        left = _content_length(head)
        while left:
            piece = await reader.read(min(left, CHUNK))
            if not piece:
                raise BadRequest("the connection ended inside a body")
            left -= len(piece)
            yield piece
    elif until_close:
        while piece := await reader.read(CHUNK):
            yield piece


async def _iterate_chunks(reader):
    while True:
        line = await reader.readline()
        try:
            left = int(line.split(b";")[0], 16)
        except ValueError as cause:
            raise BadRequest("a chunk has no size") from cause
        if left == 0:
            while (await reader.readline()).strip():
                pass
            return
        while left:
            piece = await reader.read(min(left, CHUNK))
            if not piece:
                raise BadRequest("the connection ended inside a chunk")
            left -= len(piece)
            yield piece
        await reader.readline()


def _content_length(head):
    value = head.get("Content-Length")
    if not value.isdigit():
        raise BadRequest("Content-Length is not a number")
    return int(value)


def is_keep_alive(head):
    return "close" not in (head.get("Connection") or "").lower()


def split_request_line(head):
    parts = head.start.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest("the request line is not HTTP/1")
    return parts[0], parts[1]


async def _read_request(reader, head):
    method, target = split_request_line(head)
    body = bytearray()
    async for piece in iterate_body(reader, head):
        body += piece
        if len(body) > MAX_BODY:
            raise BadRequest("the body is too long")
    return Request(method, target, {k.lower(): v for k, v in head.fields}, bytes(body))


def make_server(handler):
    """A callback for asyncio.start_server; handler(Request) gives the Response."""

    async def serve(reader, writer):
        try:
            while (head := await read_head(reader)) is not None:
                request = await _read_request(reader, head)
                response = await handler(request)
                keep = is_keep_alive(head)
                writer.write(response.encode(keep, request.method != "HEAD"))
                await writer.drain()
                if not keep:
                    break
        except BadRequest as cause:
            writer.write(Response.of_json({"message": str(cause)}, 400).encode(False))
        except (ConnectionError, asyncio.CancelledError):
            pass
        except Exception:
            traceback.print_exc()
            writer.write(Response.of_json({"message": "Server Error"}, 500).encode(False))
        finally:
            writer.close()

    return serve
