# SPDX-License-Identifier: Apache-2.0
"""Requests and bodies as strangers send them: each is understood or refused in words."""

import json
import socket
import time

import pytest
from client import BASE, Client, path_of
from daemon import TOKEN
from make_app import make_app
from place import new_document, unique

WORKSPACES = path_of("workspaces")


@pytest.fixture
def workspace(client):
    return client.create_workspace(unique("workspace")).ok(201)["id"]


# JSON


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"name":' + b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name":"one","name":"two"}',
        b'{"name":"x","more":{"a":1,"a":2}}',
        b'{"name":"\xff\xfe"}',
        b'{"name":"\xed\xa0\x80"}',
        b'\xff\xfe{\x00"\x00',
        b'{"name":"x"',
        b'{"name":"x"}}',
        b'{"name":"x"} {}',
        b'{"name":"x",}',
        b"{'name':'x'}",
        b'{"name":NaN}',
        b'{"name":01}',
        b'{"name":"a\nb"}',
        b'{"name":"\\x"}',
        b'{/* no */"name":"x"}',
        b"name=x",
        b"\x00",
    ],
)
def test_what_is_not_json_is_refused(client, body):
    client.send("POST", WORKSPACES, body).refused(400, "invalid_json")


def test_a_depth_bomb_costs_nothing(client):
    began = time.monotonic()
    for _ in range(5):
        client.send("POST", WORKSPACES, b"[" * 5_000_000).refused(400, "invalid_json")
    assert time.monotonic() - began < 60  # whatever is not linear takes hours


@pytest.mark.parametrize("body", [b"[]", b'[{"name":"x"}]', b'"x"', b"7", b"null", b"true"])
def test_the_body_is_an_object(client, body):
    error = client.send("POST", WORKSPACES, body).refused(400, "invalid_input")
    assert error["message"] == "the body must be a JSON object"


@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_an_empty_body_is_an_empty_object(client, body):
    error = client.send("POST", WORKSPACES, body).refused(400, "invalid_input")
    assert error["message"] == "name is required"


@pytest.mark.parametrize("name", [7, 1.5, True, [], {}, ["x"], {"a": 1}, "", "a\0b", None])
def test_a_member_has_the_right_type(client, name):
    error = client.create_workspace(name).refused(400, "invalid_input")
    assert error["details"][0]["field"] == "/name"


def test_unknown_members_are_ignored(client, place):
    made = client.create_workspace("x", color="red", apps=[1]).ok(201)
    assert made["name"] == "x"
    app = place.new_app()
    assert place.push(app, "Message", force=True, branch={}).ok()["status"] == "pushed"
    place.configure(provider="github", ssh=None).ok(201)


@pytest.mark.parametrize("size", [256, 100_000, 5_000_000])
def test_texts_have_a_bound(client, size):
    error = client.create_workspace("x" * size).refused(400, "invalid_input")
    assert "at most 255 bytes" in error["message"]


def test_an_id_is_a_uuid_and_free(client, workspace):
    for wrong in ("7", "../../etc", workspace + "0", workspace.replace("-", "")):
        client.create_workspace("x", id=wrong).refused(400, "invalid_input")
    client.create_workspace("x", id=workspace).refused(409, "conflict")


# HTTP


def exchange(server, *pieces):
    """Sends the bytes as they are and gives the status and the body of the answer."""
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            head, _, body = answer.partition(b"\r\n\r\n")
            if b"content-length: %d\r\n" % len(body) in head.lower() + b"\r\n":
                break
    return int(head.split()[1]), body


def head_of(*fields):
    lines = [f"POST {BASE}/workspaces HTTP/1.1", "Host: localhost", *fields]
    lines += [f"Authorization: Basic {TOKEN}", "Content-Type: application/json"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunked(body, size=1000):
    pieces = [body[at : at + size] for at in range(0, len(body), size)] + [b""]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize("length", [2 * 10**9, 64 * 2**20 + 1, 2**63 - 1])
def test_a_body_over_the_limit_is_refused_by_its_length(server, length):
    status, body = exchange(server, head_of(f"Content-Length: {length}", "Connection: close"))
    assert (status, json.loads(body)["code"]) == (413, "too_large")


def test_a_body_may_come_in_chunks(server):
    name = unique("workspace")
    sent = chunked(json.dumps({"name": name}).encode(), 7)
    status, body = exchange(server, head_of("Transfer-Encoding: chunked"), sent)
    assert (status, json.loads(body)["name"]) == (201, name)


@pytest.fixture(scope="module")
def small_server(start_daemon, tmp_path_factory):
    daemon = start_daemon(tmp_path_factory.mktemp("small"), body_limit="64K")
    yield daemon
    daemon.stop()


def test_the_limit_of_bodies_is_exact(small_server):
    for size, status in ((65536, 201), (65537, 413)):
        body = json.dumps({"name": unique("workspace")}).encode().ljust(size)
        assert Client(small_server).send("POST", WORKSPACES, body).status == status
        sent = chunked(body.replace(b"workspace-", b"chunked-x-"))
        assert exchange(small_server, head_of("Transfer-Encoding: chunked"), sent)[0] == status


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Content-Length: 2", "Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: gzip, chunked"],
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(server, fields):
    status, body = exchange(server, head_of(*fields), b"{}")
    assert (status, json.loads(body)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("length, status", [("-1", 400), ("0x2", 400), ("9" * 30, 413)])
def test_a_length_that_is_no_number_ends_the_connection(server, length, status):
    """The HTTP library refuses these by itself, in its own words."""
    assert exchange(server, head_of(f"Content-Length: {length}"), b"{}")[0] == status


@pytest.mark.parametrize("path", ["/api/ext/apps/%00", "/api/ext/apps/%ff", "/api/ext/apps/%zz"])
def test_a_path_that_is_no_text_is_refused(client, path):
    client.send("GET", path).refused(400, "invalid_request")


def test_a_path_has_no_way_up(client):
    for segment in ("..", ".", "%2e%2e", "%2E."):
        client.send("GET", f"{BASE}/apps/{segment}").refused(404, "not_found")
        client.send("GET", f"{BASE}/x/{segment}/workspaces").refused(404, "not_found")


@pytest.mark.parametrize("segment", ["a/b", "'; DROP TABLE app; --", "x" * 2000, "ü", "a b", "%"])
def test_an_id_in_a_path_is_only_a_text(client, segment):
    client.app(segment).refused(404, "not_found")
    client.export(segment, segment).refused(400, "app_not_found")
    client.push(segment, segment).refused(400, "app_not_found")
    client.apps(segment).refused(400, "unknown_organization")


# Documents


def broken_documents():
    def change(path, value):
        document = make_app("broken", name="Broken")
        *parents, last = path
        target = document
        for key in parents:
            target = target[key]
        target[last] = value
        return document

    app = ("app", 0, "definition", "appV2")
    return {
        "/app": {"tooljet_version": "3.20.45"},
        "/app is a text": change(("app",), "x"),
        "/app is empty": change(("app",), []),
        "/app/0 is null": change(("app", 0), None),
        "/app/0/definition": change(("app", 0), {}),
        "/app/0/definition/appV2": change(app, []),
        "/app/0/definition/appV2/name": change((*app, "name"), 7),
        "/app/0/definition/appV2/id": change((*app, "id"), {}),
        "/app/0/definition/appV2/appVersions is empty": change((*app, "appVersions"), []),
        "/app/0/definition/appV2/appVersions/0": change((*app, "appVersions", 0), 1),
        "/app/0/definition/appV2/appVersions/0/id": change((*app, "appVersions", 0, "id"), None),
    }


@pytest.mark.parametrize("pointer", broken_documents())
def test_a_document_that_is_no_app_is_refused_with_the_place(client, workspace, pointer):
    document = broken_documents()[pointer]
    error = client.import_app(workspace, document).refused(422, "not_an_app")
    assert pointer.split()[0] in error["message"]
    assert client.apps(workspace).ok() == []


def test_a_document_with_two_apps_is_refused(client, workspace):
    document = new_document()
    document["app"] *= 2
    client.import_app(workspace, document).refused(422, "not_an_app")
