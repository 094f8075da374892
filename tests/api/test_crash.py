# SPDX-License-Identifier: Apache-2.0
"""The server is killed at every named step of every call that goes to git, and started again.

Afterwards every operation is settled, what was told or reached the host is here and in git exactly once, what did
not has left no trace, and the caller who repeats the call gets the truth.
"""


import pytest
from crashing import PULL_POINTS, PUSH_POINTS, die, needs_hooks, settled
from jsbytes import to_js_bytes
from make_app import app_v2_of
from place import META, Place, as_version, module_document, new_document, showing, with_text

pytestmark = needs_hooks


@pytest.mark.parametrize("layout", ["single-file", "per-entity"])
@pytest.mark.parametrize("point", ["committed", "pushed"])
def test_modules_of_a_push(daemon, layout, point, place_on):
    place = place_on(daemon, layout=layout)
    inner = place.import_app(module_document("Inner"))
    shell = place.import_app(showing(new_document("Shell"), inner.id))
    die(daemon, f"push.{point}", lambda: place.push(shell))
    settled(place.client)
    for app in (inner, shell):
        assert place.client.status(app.id).ok()["state"] == "in_sync"
        assert place.push(app).ok()["status"] == "up_to_date"
    assert len(place.repo.log()) == 2


@pytest.mark.parametrize("layout", ["single-file", "per-entity"])
@pytest.mark.parametrize("point", [f"push.{name}" for name in PUSH_POINTS])
def test_push_of_names_that_changed_hands(daemon, layout, point, place_on):
    place = place_on(daemon, layout=layout)
    apps = [place.pushed_app(name) for name in ("Orders", "Sales")]
    for app, name in zip((*apps, apps[0]), ("Meanwhile", "Orders", "Sales")):
        place.client.rename(app.id, name).ok()
    place.edit(apps[1], with_text(apps[1].document, "not pushed yet"))
    die(daemon, point, lambda: place.push(apps[0], "Swap"))
    settled(place.client)
    arrived = place.repo.log(limit=1)[0].subject == "Swap"
    assert arrived == (point in ("push.committed", "push.pushed", "push.recorded"))
    states = [place.client.status(app.id).ok()["state"] for app in apps]
    assert states == (["in_sync", "ahead"] if arrived else ["ahead", "ahead"])
    for app in apps:
        place.push(app).ok()
        assert place.client.status(app.id).ok()["state"] == "in_sync"
        assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    assert [place.client.app(app.id).ok()["name"] for app in apps] == ["Sales", "Orders"]
    assert len(place.repo.log()) == 5
    assert place.repo.fsck() == ""


@pytest.mark.parametrize("point", PULL_POINTS)
def test_pull_of_names_that_changed_hands(daemon, point, place_on):
    place = place_on(daemon)
    apps = [place.pushed_app(name) for name in ("Orders", "Sales")]
    meta = place.meta()
    names = [meta[app.id]["gitAppName"] for app in apps]
    files = {f"{name}/v1.json": app.bytes for app, name in zip(apps, reversed(names))}
    for app, name in zip(apps, reversed(names)):
        meta[app.id]["gitAppName"] = name
    place.repo.commit_files("main", files | {META: to_js_bytes(meta)}, "Swap")
    die(daemon, f"pull.{point}", lambda: place.client.pull(apps[0].id))
    settled(place.client)
    here = [place.client.app(app.id).ok()["name"] for app in apps]
    assert here == (list(reversed(names)) if point == "recorded" else names)
    for app in apps:
        place.client.pull(app.id).ok()
    assert [place.client.app(app.id).ok()["name"] for app in apps] == list(reversed(names))


@pytest.mark.parametrize("point", PULL_POINTS)
def test_modules_of_a_creation(daemon, host, point, place_on):
    place = place_on(daemon)
    inner = place.import_app(module_document("Inner"))
    shell = place.import_app(showing(new_document("Shell"), inner.id))
    place.push(shell).ok()
    other = Place(place.client, host, place.repo)
    other.configure().ok(201)
    create = {"gitAppId": shell.id, "gitVersionId": "main"}
    die(daemon, f"pull.{point}", lambda: other.client.create(other.id, **create))
    settled(other.client)
    apps = {app["name"] for app in other.client.apps(other.id).ok()}
    assert apps == ({"Shell", "Inner"} if point == "recorded" else set())


def test_a_tag_that_a_crash_prevented_is_made_by_the_next_push(daemon, crashing):
    place, app = crashing
    place.configure(tag=True).ok(201)
    document = with_text(app.document, "to be saved")
    app_v2_of(document)["appVersions"][0]["status"] = "DRAFT"
    saved = place.import_app(as_version(document, "v1", app_name="Saved"))
    place.push(saved).ok()
    die(daemon, "push.recorded", lambda: place.client.save(saved.id))
    settled(place.client)
    assert place.repo.tags() == {}
    assert place.push(saved).ok()["tag"]["status"] == "created"
    assert place.repo.tags() == {f"{saved.id}/v1": place.repo.head()}


@pytest.mark.parametrize("point", ["submit.recorded"] + [f"push.{name}" for name in PUSH_POINTS])
def test_push(daemon, crashing, point):
    place, app = crashing
    place.edit(app, with_text(app.document, "edited before the crash"))
    commits = len(place.repo.log())
    die(daemon, point, lambda: place.push(app, "Survives"))
    settled(place.client)
    in_git = place.repo.read_file("Orders/v1.json") == app.bytes
    # What was committed before the crash is carried through; what was not has left no trace.
    assert in_git == (point in ("push.committed", "push.pushed", "push.recorded"))
    assert len(place.repo.log()) == commits + in_git
    again = place.push(app, "Survives").ok()
    assert again["status"] == ("up_to_date" if in_git else "pushed")
    assert len(place.repo.log()) == commits + 1
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


@pytest.mark.parametrize("point", ["submit.recorded"] + [f"pull.{name}" for name in PULL_POINTS])
def test_pull(daemon, crashing, point):
    place, app = crashing
    changed = with_text(app.document, "changed in git")
    place.commit_document(app, changed)
    before = place.exported(app)
    die(daemon, point, lambda: place.client.pull(app.id))
    settled(place.client)
    applied = place.exported(app) != before
    assert applied == (point == "pull.recorded")
    again = place.client.pull(app.id).ok()
    assert again["status"] == ("up_to_date" if applied else "updated")
    assert place.exported(app) == place.repo.read_file("Orders/v1.json")


@pytest.mark.parametrize("point", ["submit.recorded"] + [f"pull.{name}" for name in PULL_POINTS])
def test_create(daemon, crashing, point):
    place, app = crashing
    other = Place(place.client, place.host, place.repo)
    other.configure().ok(201)

    def create():
        return place.client.create(other.id, gitAppId=app.id, gitVersionId="main")

    die(daemon, point, create)
    settled(place.client)
    made = place.client.apps(other.id).ok()
    assert bool(made) == (point == "pull.recorded")
    if made:
        create().refused(409, "app_already_exists")
    else:
        create().ok(201)
    made = place.client.apps(other.id).ok()
    assert len(made) == 1 and len(made[0]["versions"]) == 1


@pytest.mark.parametrize("point", ["submit.recorded"] + [f"pull.{name}" for name in PULL_POINTS])
def test_promote(daemon, crashing, point):
    place, app = crashing
    die(daemon, point, lambda: place.client.promote(app.id))
    settled(place.client)
    released = place.client.app(app.id).ok()["currentVersionId"]
    assert released == (app.version if point == "pull.recorded" else None)
    assert place.client.promote(app.id).ok()["currentVersionId"] == app.version


def test_a_killed_server_keeps_what_it_acknowledged(daemon, crashing):
    place, app = crashing
    other = place.import_app(new_document("Invoices"))
    told = place.push(other, "Acknowledged").ok()
    daemon.kill()
    daemon.start()
    assert place.client.operation(told["operationId"]).ok()["state"] == "done"
    assert place.repo.head() == told["commit"]["sha"]
    assert place.push(other, "Again").ok()["status"] == "up_to_date"
    assert place.push(app, "Again").ok()["status"] == "up_to_date"
