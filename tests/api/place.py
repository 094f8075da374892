# SPDX-License-Identifier: Apache-2.0
"""An organization of a test's own with a repository of its own, and the apps in them."""

import contextlib
import json
import time
import uuid
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from client import path_of
from jsbytes import to_js_bytes
from make_app import app_v2_of, make_app

META = ".meta/meta.json"
README = {"README.md": "# Apps\n"}


def unique(prefix):
    """A name that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def new_document(name="Orders", version="v1", **wanted):
    """A document with ids of its own; see make_app."""
    return make_app(unique(name), name=name, versions=(version,), **wanted)


def with_text(document, text, component=0):
    """A copy in which one component was edited."""
    changed = deepcopy(document)
    properties = app_v2_of(changed)["components"][component]["properties"]
    properties[next(iter(properties))]["value"] = text
    return changed


def text_of(document, component=0):
    return next(iter(app_v2_of(document)["components"][component]["properties"].values()))["value"]


def pass_a_millisecond():
    """What is made next is younger than what is there: the server keeps its moments in milliseconds."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass


def path_in_git(entry):
    """Where the metadata's entry says that the app is."""
    return f"{entry['gitAppName']}/{entry['gitVersionName']}.json"


def as_version(document, name, *, app_name=None):
    """A copy that is another version of the same app, with a version id of its own."""
    entry = app_v2_of(document)["appVersions"][0]
    text = json.dumps(document).replace(entry["id"], str(uuid.uuid4()))
    changed = json.loads(text)
    app = app_v2_of(changed)
    app["name"] = app_name or app["name"]
    for item in (app["appVersions"][0], app["editingVersion"]):
        item["name"] = name
    return changed


def showing(document, *ids):
    """A copy that shows the modules of these ids, on its first page."""
    changed = deepcopy(document)
    app = app_v2_of(changed)
    for number, module_id in enumerate(ids):
        viewer = deepcopy(app["components"][0])
        viewer |= {"id": str(uuid.uuid4()), "name": f"moduleviewer{number}", "type": "ModuleViewer"}
        viewer["properties"] = {
            "moduleAppId": {"value": module_id},
            "moduleVersionId": {"value": ""},
        }
        viewer["layouts"] = []
        app["components"].append(viewer)
    return changed


def module_document(name, *ids):
    document = showing(new_document(name), *ids)
    app_v2_of(document)["type"] = "module"
    app_v2_of(document)["appVersions"][0]["status"] = "DRAFT"
    return document


@dataclass
class App:
    """An app here: its ids, and the document of its latest version as the test knows it."""

    id: str
    version: str
    document: dict

    @property
    def bytes(self):
        return to_js_bytes(self.document)


class Place:
    """changes are members of the git configuration that differ from the usual one."""

    def __init__(self, client, host, repo, **changes):
        self.client, self.host, self.repo = client, host, repo
        self.id = client.create_workspace(unique("workspace")).ok(201)["id"]
        self.config = {
            "organizationId": self.id,
            "gitUrl": repo.tls_url,
            "branchName": "main",
            "githubAppId": str(host.info["appId"]),
            "githubAppInstallationId": str(host.info["installationId"]),
            "githubAppPrivateKey": Path(host.info["privateKeyFile"]).read_text(),
        } | changes

    def configure(self, **changes):
        """A member that is changed to None is left out."""
        members = self.config | changes
        return self.client.configure({k: v for k, v in members.items() if v is not None})

    # Apps

    def import_app(self, document, **members):
        made = self.client.import_app(self.id, document, **members).ok(201)
        pass_a_millisecond()
        return App(made["id"], made["versions"][0]["id"], document)

    def new_app(self, name="Orders", version="v1", **wanted):
        return self.import_app(new_document(name, version, **wanted))

    def edit(self, app, document):
        """Puts another document into the app's version."""
        self.client.put_version(app.id, app.version, document).ok()
        app.document = document

    def push(self, app, message="Push", **members):
        return self.client.push(app.id, app.version, message, **members)

    def pushed_app(self, name="Orders", version="v1", **wanted):
        app = self.new_app(name, version, **wanted)
        assert self.push(app).ok()["status"] == "pushed"
        return app

    def exported(self, app, **query):
        """The exact bytes."""
        answer = self.client.export(self.id, app.id, **query)
        answer.ok(201)
        return answer.body

    # Git

    def meta(self, ref="main"):
        return json.loads(self.repo.read_file(META, ref))

    def commit_document(self, app, document, message="Somebody else's change", **others):
        """Somebody changes the app in git, past the server: its file, and its entry if need be.

        others are further files of the commit.
        """
        meta = self.meta()
        old, version = meta[app.id], app_v2_of(document)["appVersions"][0]
        names = {"gitAppName": app_v2_of(document)["name"], "gitVersionName": version["name"]}
        new = old | names | {"gitVersionId": version["id"]}
        files = {path_in_git(old): None, path_in_git(new): to_js_bytes(document)}
        if new != old:
            files[META] = to_js_bytes(meta | {app.id: new})
        return self.repo.commit_files("main", files | others, message)

    def disturb(self, app):
        """Somebody else commits, and the server hears of it: its next push asks where the branch is."""
        self.repo.commit_files("main", {f"{unique('theirs')}.txt": "theirs\n"}, "Theirs")
        path = path_of("apps", app.id, "versions", app.version, "git-sync", "push", dryRun="true")
        self.client.send("POST", path, {"commitMessage": "Look"}).ok()

    def exchanges(self):
        """The requests for this repository so far, as (method, service, status)."""
        return [
            (entry["method"], entry["service"], entry["status"])
            for entry in self.host.requests()
            if f"/{self.repo.name}.git/" in entry["path"]
        ]

    # What a failure leaves alone

    def state(self):
        """Everything of this organization, here and in git."""
        apps = self.client.apps(self.id).ok()
        config = self.client.git_config(self.id)
        return {
            "apps": [self.client.app(app["id"]).ok() for app in apps],
            "exports": [self.client.export(self.id, app["id"]).body for app in apps],
            "config": config.ok() if config.status == 200 else None,
            "branches": self.repo.branches(),
            "tags": self.repo.tags(),
        }

    @contextlib.contextmanager
    def unchanged(self):
        before = self.state()
        yield
        assert self.state() == before
