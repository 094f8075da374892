# SPDX-License-Identifier: Apache-2.0
"""What is settled before a call is looked at: who calls, where, how; and the form of refusals."""

import re

import pytest
from client import Client, basic, path_of
from daemon import TOKEN
from place import unique

NOWHERE = "00000000-0000-4000-8000-000000000000"
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


# Who may call


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic wrong-token",
        f"Basic {TOKEN}x",
        f"Basic {TOKEN[:-1]}",
        f"Digest {TOKEN}",
        TOKEN,
        basic("user", "wrong"),
        basic(TOKEN, ""),
        "Basic ====",
        "Bearer " + "x" * 5000,
        "Bearer " + basic("user", TOKEN).split()[1],
    ],
)
def test_without_the_token_it_is_403(server, authorization):
    stranger = Client(server, authorization)
    error = stranger.workspaces().refused(403, "unauthorized")
    assert error["message"] == "Unauthorized"
    stranger.create_workspace(unique("workspace")).refused(403, "unauthorized")


def test_a_stranger_learns_nothing_of_what_exists(server, place):
    app = place.pushed_app()
    stranger = Client(server, "Basic wrong-token")
    with place.unchanged():
        for answer in (
            stranger.app(app.id),
            stranger.app(NOWHERE),
            stranger.push(app.id, app.version),
            stranger.delete_app(app.id),
            stranger.export(place.id, app.id),
        ):
            answer.refused(403, "unauthorized")


# HTTP


def test_what_there_is_not_is_404(client):
    paths = ("/", "/api", "/api/ext", path_of("nothing"), path_of("apps", NOWHERE, "nothing"))
    for path in paths:
        client.send("GET", path).refused(404, "not_found")
    client.app(NOWHERE).refused(404, "not_found")
    client.app("not-an-id").refused(404, "not_found")
    client.delete_app(NOWHERE).refused(404, "not_found")
    client.versions(NOWHERE).refused(404, "not_found")
    client.version(NOWHERE, NOWHERE).refused(404, "unknown_version")
    client.operation(NOWHERE).refused(404, "not_found")


def test_another_method_is_405_and_tells_which_there_are(client):
    for method, path, allowed in (
        ("PATCH", path_of("apps"), {"POST"}),
        ("POST", path_of("apps", NOWHERE), {"GET", "PUT", "PATCH", "DELETE"}),
        ("GET", path_of("apps"), {"POST"}),
        ("POST", "/healthz", {"GET"}),
    ):
        answer = client.send(method, path)
        answer.refused(405, "method_not_allowed")
        assert set(re.split(", *", answer.headers["Allow"])) >= allowed


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": None},
        {"Content-Encoding": "gzip"},
    ],
)
def test_what_is_not_json_is_415(client, headers):
    answer = client.send("POST", path_of("workspaces"), {"name": "x"}, headers=headers)
    answer.refused(415, "unsupported_media_type")


def test_the_content_type_may_have_parameters_and_any_case(client):
    headers = {"Content-Type": "Application/JSON ; charset=UTF-8"}
    body = {"name": unique("workspace")}
    client.send("POST", path_of("workspaces"), body, headers=headers).ok(201)


def test_request_ids(client):
    path = path_of("apps", NOWHERE)
    for sane in ("build-42", "a", "A.b_c-9", "x" * 64):
        answer = client.send("GET", path, headers={"X-Request-Id": sane})
        assert answer.refused(404, "not_found")["requestId"] == sane
    for odd in ("x" * 65, "a b", "a;b", "ü".encode(), "", "<script>"):
        answer = client.send("GET", path, headers={"X-Request-Id": odd})
        assert re.fullmatch(UUID7, answer.refused(404, "not_found")["requestId"])
    ids = {client.workspaces().headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_several_wrong_fields_are_all_told(client):
    error = client.configure({"gitUrl": 7, "layout": "best"}).refused(400, "invalid_input")
    fields = {item["field"]: item["message"] for item in error["details"]}
    missing = "organizationId branchName githubAppId githubAppInstallationId githubAppPrivateKey"
    assert set(fields) == {f"/{name}" for name in f"{missing} gitUrl layout".split()}
    assert error["message"] == list(fields.values())
    assert "gitUrl must be a string" in error["message"]


def test_one_wrong_field_is_told_in_a_text(client):
    error = client.create_workspace(7).refused(400, "invalid_input")
    assert error["message"] == "name must be a string"
    assert error["details"][0]["field"] == "/name"
