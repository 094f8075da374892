# SPDX-License-Identifier: Apache-2.0
"""The server under measurement and the calls that a pipeline makes."""

import http.client
import json
import os
import signal
import subprocess
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
        self.connection = self.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self.drain.wait(5)

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=120)

    def call(self, method, path, body=None, connection=None):
        connection = connection or self.connection
        headers = {"Authorization": f"Basic {TOKEN}", "Content-Type": "application/json"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, f"/api/ext{path}", data, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode()}")
        return json.loads(answer) if answer else None

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

    def pull(self, app, connection=None):
        return self.call("PUT", f"/apps/{app['id']}?createMode=git", None, connection)

    def memory(self, field):
        """Kilobytes: VmRSS now, VmHWM at most."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith(field))
        return int(line.split()[1])

    def put_document(self, app, document, connection=None):
        self.call("PUT", f"/apps/{app['id']}/versions/{app['version']}", document, connection)

    def push(self, app, connection=None):
        path = f"/apps/{app['id']}/versions/{app['version']}/git-sync/push"
        answer = self.call("POST", path, {"commitMessage": "A push by gitsync"}, connection)
        if answer["status"] != "pushed":
            raise RuntimeError(f"nothing was pushed: {answer}")
        return answer
