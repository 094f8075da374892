# SPDX-License-Identifier: Apache-2.0
"""A reverse proxy in front of the host's plain HTTP port that misbehaves where a rule says so.

Without a rule it passes everything on unchanged. README.md lists the actions.
"""

import asyncio
import os
import socket
import struct

from .faults import Rule, service_of
from .httpd import CHUNK, BadRequest, Head, Response, iterate_body, read_head, split_request_line
from .standin import canned

LINGER_ZERO = struct.pack("ii", 1, 0)
PARTING_SECONDS = 5
HOP_BY_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "Expect", "X-Githost-Fault")


class Severed(Exception):
    """The rule wants the connection gone at this point."""


class FaultProxy:
    def __init__(self, faults, journal, accounts, repositories, port):
        self.faults = faults
        self.journal = journal
        self.accounts = accounts
        self.repositories = repositories
        self.port = port
        self._actions = {
            "pass": _forward,
            "drip": _forward,
            "truncate": _forward,
            "reset": _sever,
            "cut": _sever,
            "drop": _sever,
            "respond": _respond,
            "html": _respond,
            "redirect": _respond,
            "silent": _keep_silent,
            "garbage": _send_garbage,
            "endless": _send_endlessly,
        }

    async def serve(self, reader, writer):
        """The callback of asyncio.start_server: one client connection, any number of exchanges."""
        try:
            while (head := await read_head(reader)) is not None:
                await self._exchange(Exchange(self.port, reader, writer, head))
        except Severed as how:
            await _part(reader, writer, abruptly=str(how) == "reset")
        except (BadRequest, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, exchange):
        rule = self.faults.take("proxy", exchange.method, exchange.target) or Rule(action="pass")
        await self.faults.pause(rule)
        if rule.race_commit:
            await asyncio.to_thread(self._commit, **rule.race_commit)
        if rule.expire_tokens:
            self.accounts.expire_tokens()
        if not exchange.is_forwarded_by(rule):
            agent = exchange.head.get("User-Agent", "")
            self.journal.add_unforwarded(exchange.method, exchange.target, agent, rule.action)
        await self._actions[rule.action](exchange, rule)

    def _commit(self, repo, files, branch="main", message="A commit from outside"):
        self.repositories.open(repo).commit_files(branch, files, message)


class Exchange:
    """One request of a client, and the way to and from the host for it."""

    def __init__(self, port, reader, writer, head):
        self.port = port
        self.reader, self.writer, self.head = reader, writer, head
        self.method, self.target = split_request_line(head)

    def is_forwarded_by(self, rule):
        if rule.action in ("reset", "cut"):
            return rule.after_request_bytes is not None or rule.after_response_bytes is not None
        return rule.action in ("pass", "drip", "truncate")

    async def request_body(self):
        if "100-continue" in (self.head.get("Expect") or "").lower():
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        async for piece in iterate_body(self.reader, self.head):
            yield piece

    async def swallow_request(self):
        async for _ in self.request_body():
            pass

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def forward_request(self, host, rule):
        """Sends the request on; severs after rule.after_request_bytes of its body."""
        fields = [("Connection", "close")]
        if rule.action != "pass":
            fields.append(("X-Githost-Fault", rule.action))
        chunked = self.head.get("Transfer-Encoding") is not None
        if chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        head = self.head.without(*HOP_BY_HOP)
        host.write(Head(head.start, head.fields + fields).encode())
        left = rule.after_request_bytes
        async for piece in self.request_body():
            allowed = piece if left is None else piece[:left]
            host.write(_chunk(allowed) if chunked and allowed else allowed)
            await host.drain()
            left = None if left is None else left - len(allowed)
            if left == 0:
                break
        if left is not None:
            raise Severed(rule.action)
        host.write(b"0\r\n\r\n" if chunked else b"")
        await host.drain()

    async def response_pieces(self, host_reader):
        """The response in pieces fit for a kept connection: first the head, then the body."""
        head = await read_head(host_reader)
        while head is not None and head.start.split(" ")[1].startswith("1"):
            head = await read_head(host_reader)
        if head is None:
            raise Severed("cut")
        bodiless = self.method == "HEAD" or head.start.split(" ")[1] in ("204", "304")
        chunked = head.get("Content-Length") is None and not bodiless
        kept = head.without(*HOP_BY_HOP)
        kept.fields += [("Transfer-Encoding", "chunked")] if chunked else []
        yield kept.encode()
        if bodiless:
            return
        async for piece in iterate_body(host_reader, head, until_close=True):
            yield _chunk(piece) if chunked else piece
        if chunked:
            yield b"0\r\n\r\n"


async def _forward(exchange, rule):
    """Passes the request on and the response back: whole, dripping, truncated or severed."""
    host_reader, host = await asyncio.open_connection("127.0.0.1", exchange.port)
    try:
        await exchange.forward_request(host, rule)
        if rule.action == "truncate":
            await _send_truncated(exchange, host_reader, rule)
            return
        left = rule.after_response_bytes
        async for piece in exchange.response_pieces(host_reader):
            allowed = piece if left is None else piece[:left]
            if rule.action == "drip":
                await _drip(exchange, allowed, rule.bytes_per_second)
            else:
                await exchange.send(allowed)
            left = None if left is None else left - len(allowed)
            if left == 0:
                break
        if left is not None:
            raise Severed(rule.action)
    finally:
        host.close()


async def _drip(exchange, data, bytes_per_second):
    """A small piece ten times a second, or a single byte less often than that."""
    size = max(bytes_per_second // 10, 1)
    for start in range(0, len(data), size):
        await exchange.send(data[start : start + size])
        await asyncio.sleep(size / bytes_per_second)


async def _send_truncated(exchange, host_reader, rule):
    """Only the first rule.bytes of the body, with a Content-Length that hides the loss."""
    head = await read_head(host_reader)
    body = b"".join([piece async for piece in iterate_body(host_reader, head, until_close=True)])
    kept = body[: len(body) // 2 if rule.bytes is None else rule.bytes]
    short = head.without(*HOP_BY_HOP, "Content-Length")
    short.fields.append(("Content-Length", len(kept)))
    await exchange.send(short.encode() + kept)


async def _sever(exchange, rule):
    if exchange.is_forwarded_by(rule):
        await _forward(exchange, rule)
    raise Severed(rule.action)


async def _respond(exchange, rule):
    await exchange.swallow_request()
    await exchange.send(canned(rule).encode(keep_alive=True, with_body=exchange.method != "HEAD"))


async def _keep_silent(exchange, _):
    """Reads all that comes and never says a word."""
    while await exchange.reader.read(CHUNK):
        pass


async def _send_garbage(exchange, rule):
    """Random bytes as the body of a well-formed answer, or with on_wire in place of any HTTP."""
    await exchange.swallow_request()
    noise = os.urandom(4096 if rule.bytes is None else rule.bytes)
    if rule.on_wire:
        await exchange.send(noise)
        raise Severed("cut")
    answer = Response(rule.status or 200, noise, _plausible(exchange.target) | rule.headers)
    await exchange.send(answer.encode(keep_alive=True))


async def _send_endlessly(exchange, rule):
    """A body that goes on until the client leaves: rule.body over and over, or random bytes."""
    await exchange.swallow_request()
    unit = (rule.body or "").encode() or os.urandom(CHUNK)
    piece = _chunk(unit * max(CHUNK // len(unit), 1))
    fields = list((_plausible(exchange.target) | rule.headers).items())
    fields.append(("Transfer-Encoding", "chunked"))
    await exchange.send(Head("HTTP/1.1 200 OK", fields).encode())
    while True:
        await exchange.send(piece)


def _plausible(target):
    """The content type a true answer to this request would have."""
    service = service_of(target)
    if service is None:
        return {"Content-Type": "application/json; charset=utf-8"}
    kind = "advertisement" if "/info/refs" in target else "result"
    return {"Content-Type": f"application/x-{service}-{kind}"}


def _chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _part(reader, writer, abruptly):
    """Ends a connection by RST, or by a FIN that unread bytes cannot turn into a RST."""
    if abruptly:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        writer.transport.abort()
        return
    try:
        writer.write_eof()
        async with asyncio.timeout(PARTING_SECONDS):
            while await reader.read(CHUNK):
                pass
    except (TimeoutError, OSError):
        pass
