# SPDX-License-Identifier: Apache-2.0
"""The calls of the API, one method each, and what every answer and every refusal must look like.

Knows no git host.
"""

import base64
import http.client
import json
import urllib.parse
from dataclasses import dataclass

from daemon import TOKEN

BASE = "/api/ext"
SECONDS = 60
JSON = "application/json; charset=utf-8"
REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass
class Answer:
    """A response, to be judged by ok() or refused()."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def ok(self, status=200):
        """The body of a success, which has this status and never another."""
        assert self.status == status, f"{self.status}: {self.body[:2000]!r}"
        assert self.headers["X-Request-Id"]
        if status == 204:
            assert self.body == b""
            return None
        assert self.headers["Content-Type"] == JSON
        return self.json

    def refused(self, status, code):
        """The body of a failure: always of this one form."""
        assert self.status == status, f"{self.status}: {self.body[:2000]!r}"
        assert self.headers["Content-Type"] == JSON
        error = self.json
        assert list(error) == ["statusCode", "error", "code", "message", "details", "requestId"]
        assert (error["statusCode"], error["code"]) == (status, code), error
        assert error["error"] == REASONS[status]
        assert error["requestId"] == self.headers["X-Request-Id"]
        assert error["message"] and isinstance(error["details"], list)
        if status == 503:
            assert int(self.headers["Retry-After"]) > 0
        return error


def basic(user, password):
    """HTTP's own form of Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def path_of(*segments, **query):
    """/api/ext/…, every segment escaped; a query member of None is left out."""
    path = "/".join([BASE, *(urllib.parse.quote(str(segment), safe="") for segment in segments)])
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urllib.parse.urlencode(given)}" if given else path


class Client:
    """One connection per call, so that calls may come from any thread."""

    def __init__(self, daemon, authorization=f"Basic {TOKEN}"):
        self.daemon = daemon
        self.authorization = authorization

    def send(self, method, path, body=None, *, headers=None):
        """body is bytes as they are, or what becomes JSON; a header of None is left out."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        given = {"Authorization": self.authorization, "Content-Type": "application/json"}
        given |= headers or {}
        kept = {key: value for key, value in given.items() if value is not None}
        connection = http.client.HTTPConnection(self.daemon.address, timeout=SECONDS)
        try:
            connection.request(method, path, body, kept)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    # Workspaces and what they hold

    def workspaces(self):
        return self.send("GET", path_of("workspaces"))

    def create_workspace(self, name, **members):
        return self.send("POST", path_of("workspaces"), {"name": name} | members)

    def apps(self, workspace):
        return self.send("GET", path_of("workspace", workspace, "apps"))

    def environments(self, workspace):
        return self.send("GET", path_of("workspace", workspace, "environments"))

    def import_app(self, workspace, document, **members):
        """A dict gets the members; bytes go as they are."""
        body = document if isinstance(document, bytes) else document | members
        return self.send("POST", path_of("import", "workspace", workspace, "apps"), body)

    def export(self, workspace, app, **query):
        path = path_of("export", "workspace", workspace, "apps", app, **query)
        return self.send("POST", path)

    def app(self, app):
        return self.send("GET", path_of("apps", app))

    def rename(self, app, name, *, headers=None):
        return self.send("PATCH", path_of("apps", app), {"name": name}, headers=headers)

    def delete_app(self, app):
        return self.send("DELETE", path_of("apps", app))

    def versions(self, app):
        return self.send("GET", path_of("apps", app, "versions"))

    def version(self, app, version):
        return self.send("GET", path_of("apps", app, "versions", version))

    def put_version(self, app, version, document):
        return self.send("PUT", path_of("apps", app, "versions", version), document)

    def save(self, app, **members):
        return self.send("POST", path_of("apps", app, "versions", "save"), members)

    def constants(self, organization):
        return self.send("GET", path_of("organization", organization, "constants"))

    def put_constants(self, organization, *constants):
        path = path_of("organization", organization, "constants")
        return self.send("PUT", path, {"constants": constants})

    # Git

    def configure(self, config):
        return self.send("POST", path_of("organization", "git"), config)

    def git_config(self, organization):
        return self.send("GET", path_of("organization", "git", organizationId=organization))

    def delete_git_config(self, organization):
        return self.send("DELETE", path_of("organization", "git", organizationId=organization))

    def test_git_config(self, config):
        return self.send("POST", path_of("organization", "git", "test"), config)

    def git_apps(self, organization, **query):
        path = path_of("organization", "git", "apps", organizationId=organization, **query)
        return self.send("GET", path)

    def git_check(self, organization, **query):
        path = path_of("organization", "git", "check", organizationId=organization, **query)
        return self.send("GET", path)

    def convert(self, organization, layout, *, query=None, headers=None, **members):
        body = {"organizationId": organization, "layout": layout} | members
        path = path_of("organization", "git", "convert", **(query or {}))
        return self.send("POST", path, body, headers=headers)

    def push(self, app, version, message="Push", *, query=None, headers=None, **members):
        path = path_of("apps", app, "versions", version, "git-sync", "push", **(query or {}))
        return self.send("POST", path, {"commitMessage": message} | members, headers=headers)

    def create(self, organization, *, mode="git", query=None, headers=None, **members):
        body = {"organizationId": organization} | members
        path = path_of("apps", createMode=mode, **(query or {}))
        return self.send("POST", path, body, headers=headers)

    def pull(self, app, *, mode="git", headers=None, **query):
        return self.send("PUT", path_of("apps", app, createMode=mode, **query), headers=headers)

    def promote(self, app, *, headers=None, **query):
        return self.send("POST", path_of("apps", app, "promote", **query), headers=headers)

    def release(self, app, body=None, **query):
        return self.send("POST", path_of("apps", app, "git-sync", "release", **query), body)

    def status(self, app, **query):
        return self.send("GET", path_of("apps", app, "git-sync", **query))

    def statuses(self, workspace, **query):
        return self.send("GET", path_of("workspace", workspace, "git-sync", **query))

    def history(self, app, **query):
        return self.send("GET", path_of("apps", app, "history", **query))

    def push_all(self, organization, message="Push all", *, query=None, **members):
        path = path_of("organization", organization, "git-sync", "push", **(query or {}))
        return self.send("POST", path, {"commitMessage": message} | members)

    def pull_all(self, organization, *, query=None, **members):
        path = path_of("organization", organization, "git-sync", "pull", **(query or {}))
        return self.send("POST", path, members)

    def rollback(self, app, *, query=None, **members):
        return self.send("POST", path_of("apps", app, "rollback", **(query or {})), members)

    def releases(self, app, **query):
        return self.send("GET", path_of("apps", app, "releases", **query))

    def restore(self, app, release, **query):
        return self.send("POST", path_of("apps", app, "releases", release, "restore", **query))

    # Operations

    def operations(self, **query):
        return self.send("GET", path_of("operations", **query))

    def operation(self, operation):
        return self.send("GET", path_of("operations", operation))

    def cancel(self, operation):
        return self.send("POST", path_of("operations", operation, "cancel"))
