# SPDX-License-Identifier: Apache-2.0
"""The server under measurement and the calls that a pipeline makes."""

import http.client
import json
import os
import selectors
import signal
import socket
import subprocess
import time
import uuid

TOKEN = "bench-access-token"


class Service:
    def __init__(self, program, data, **settings):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GITSYNC_")}
        self.process = subprocess.Popen(
            [str(program), "serve", "--listen", "127.0.0.1:0", "--data", str(data)],
            env=clean
            | {"EXTERNAL_API_ACCESS_TOKEN": TOKEN, "GITSYNC_ALLOW_LOOPBACK_HOSTS": "true"}
            | {"GITSYNC_LOG_LEVEL": "info"}
            | settings,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            if '"event":"listening"' in line:
                self.address = json.loads(line)["address"]
                break
        else:
            raise RuntimeError("the server did not start")
        # Nobody reads the log from here on, and a full pipe would stop the server.
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection(self.address, timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self.drain.wait(5)

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Basic {TOKEN}", "Content-Type": "application/json"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        self.connection.request(method, f"/api/ext{path}", data, headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode()}")
        return json.loads(answer) if answer else None

    def at_once(self, requests):
        """Sends each (method, path, body) on a connection of its own, all of them before an answer is awaited; the seconds from the first
        to the last byte, and the answers. One thread: the clients of a server are elsewhere and take nothing of its processors."""
        waiting = selectors.DefaultSelector()
        messages = [self._message(*request) for request in requests]
        answers = [b""] * len(messages)
        start = time.perf_counter()
        for number, message in enumerate(messages):
            connection = socket.create_connection(self.address.rsplit(":", 1))
            connection.sendall(message)
            waiting.register(connection, selectors.EVENT_READ, number)
        while waiting.get_map():
            for key, _ in waiting.select(120):
                piece = key.fileobj.recv(65536)
                answers[key.data] += piece
                if not piece:
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()
        return time.perf_counter() - start, [self._body_of(answer) for answer in answers]

    def _message(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        lines = [
            f"{method} /api/ext{path} HTTP/1.1",
            f"Host: {self.address}",
            f"Authorization: Basic {TOKEN}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + data

    @staticmethod
    def _body_of(answer):
        head, _, body = answer.partition(b"\r\n\r\n")
        if int(head.split()[1]) >= 400:
            raise RuntimeError(body.decode())
        return json.loads(body)

    def make_workspace(self, repo, host):
        """A workspace that is associated with the repository."""
        workspace = str(uuid.uuid4())
        self.call("POST", "/workspaces", {"id": workspace, "name": repo.name})
        with open(host.info["privateKeyFile"]) as key:
            configuration = {
                "organizationId": workspace,
                "gitUrl": repo.url,
                "branchName": "main",
                "githubAppId": str(host.info["appId"]),
                "githubAppInstallationId": str(host.info["installationId"]),
                "githubAppPrivateKey": key.read(),
                "githubEnterpriseApiUrl": host.info["apiUrl"],
            }
        self.call("POST", "/organization/git", configuration)
        return workspace

    def import_app(self, workspace, document):
        answer = self.call("POST", f"/import/workspace/{workspace}/apps", document)
        return {"id": answer["id"], "version": answer["versions"][0]["id"]}

    def pull(self, app):
        return self.call(*self._pull_of(app))

    def pull_at_once(self, apps):
        return self.at_once([self._pull_of(app) for app in apps])

    @staticmethod
    def _pull_of(app):
        return "PUT", f"/apps/{app['id']}?createMode=git"

    def memory(self, field):
        """Kilobytes: VmRSS now, VmHWM at most."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith(field))
        return int(line.split()[1])

    def put_document(self, app, document):
        self.call("PUT", f"/apps/{app['id']}/versions/{app['version']}", document)

    def push(self, app):
        return self._check_pushed(self.call(*self._push_of(app)))

    def push_at_once(self, apps):
        """The seconds until all were answered."""
        seconds, answers = self.at_once([self._push_of(app) for app in apps])
        for answer in answers:
            self._check_pushed(answer)
        return seconds

    @staticmethod
    def _push_of(app):
        path = f"/apps/{app['id']}/versions/{app['version']}/git-sync/push"
        return "POST", path, {"commitMessage": "A push by gitsync"}

    @staticmethod
    def _check_pushed(answer):
        if answer["status"] != "pushed":
            raise RuntimeError(f"nothing was pushed: {answer}")
        return answer
