# SPDX-License-Identifier: Apache-2.0
"""Branches that others move or share, calls that come at the same time, and what it costs."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from place import META, as_version, new_document, with_text

PUSH = [("GET", "git-receive-pack", 200), ("POST", "git-receive-pack", 200)]
LOOK = [("GET", "git-upload-pack", 200)]
FETCH = LOOK + [("POST", "git-upload-pack", 200)]


# Branches that others move


def test_a_branch_that_was_force_pushed(place):
    app = place.pushed_app()
    first = place.repo.head()
    place.edit(app, with_text(app.document, "second"))
    place.push(app, "Second").ok()
    place.repo.set_branch("main", first)
    place.edit(app, with_text(app.document, "third"))
    with place.unchanged():
        place.push(app).refused(409, "merge_conflict")
    answer = place.push(app, onConflict="ours").ok()
    assert answer["commit"]["parent"] == first
    assert place.repo.fsck() == ""


def test_a_branch_with_another_history(place):
    app = place.pushed_app()
    place.repo.force_push("main", {"index.txt": "all new\n"}, "Start over")
    with place.unchanged():
        place.client.pull(app.id).refused(404, "not_in_git")
    answer = place.push(app, "Bring it back").ok()
    assert answer["commit"]["parent"] == place.repo.log()[1].sha
    assert set(place.repo.ls_tree()) == {"index.txt", META, "Orders/v1.json"}


def test_a_branch_that_was_deleted(place):
    app = place.pushed_app()
    place.repo.set_branch("other", "main")
    place.repo.delete_branch("main")
    place.edit(app, with_text(app.document, "changed"))
    with place.unchanged():
        error = place.push(app).refused(400, "invalid_branch")
        assert 'Branch "main" does not exist' in error["message"]
        place.client.pull(app.id).refused(400, "invalid_branch")
    place.repo.set_branch("main", "other")
    assert place.push(app).ok()["status"] == "pushed"


def test_a_repository_that_was_emptied(place):
    app = place.pushed_app()
    place.repo.delete_branch("main")
    with place.unchanged():
        place.client.pull(app.id).refused(400, "invalid_branch")
    answer = place.push(app, "From the start").ok()
    assert answer["commit"]["parent"] is None
    assert place.repo.read_file("Orders/v1.json") == app.bytes and place.repo.fsck() == ""


def test_a_repository_that_was_made_anew(place, host):
    app = place.pushed_app()
    host.delete_repo(place.repo.name)
    place.push(app).refused(400, "repository_not_found")
    host.create_repo(place.repo.name).commit_files("main", {"a.txt": "a\n"}, "Anew")
    assert place.push(app, "Again").ok()["status"] == "pushed"
    assert set(place.repo.ls_tree()) == {"a.txt", META, "Orders/v1.json"}


# Together


def test_two_organizations_share_a_repository(make_place):
    first = make_place()
    second = make_place(first.repo)
    orders, sales = first.pushed_app("Orders"), second.pushed_app("Sales")
    created = first.client.create(first.id, gitAppId=sales.id, gitVersionId="main").ok(201)
    second.edit(sales, with_text(sales.document, "changed"))
    second.push(sales).ok()
    assert first.client.pull(created["id"]).ok()["status"] == "updated"
    first.edit(orders, with_text(orders.document, "changed"))
    first.push(orders).ok()
    assert set(first.meta()) == {orders.id, sales.id}
    assert first.repo.read_file("Sales/v1.json") == sales.bytes
    assert first.repo.read_file("Orders/v1.json") == orders.bytes


def test_pushes_at_the_same_time(place):
    apps = [place.new_app(f"App {number}") for number in range(16)]
    before = len(place.repo.log())
    with ThreadPoolExecutor(len(apps)) as pool:
        answers = list(pool.map(lambda app: place.push(app, f"Push {app.id}").ok(), apps))
    assert {answer["status"] for answer in answers} == {"pushed"}
    log = place.repo.log()
    assert len(log) == before + len(apps)
    assert all(len(commit.parents) == 1 for commit in log[:-1])
    made = {commit.sha: commit.message for commit in log}
    for app, answer in zip(apps, answers):
        assert made[answer["commit"]["sha"]] == f"Push {app.id}"
        assert place.repo.read_file(f"App {apps.index(app)}/v1.json") == app.bytes
    assert set(place.meta()) == {app.id for app in apps}
    assert place.repo.fsck() == ""


def test_the_same_push_many_times_at_once_is_one_commit(place):
    app = place.new_app()
    with ThreadPoolExecutor(8) as pool:
        answers = [job.result().ok() for job in [pool.submit(place.push, app) for _ in range(8)]]
    states = sorted(answer["status"] for answer in answers)
    assert states == ["pushed"] + ["up_to_date"] * 7
    assert len(place.repo.log()) == 2


def test_creations_at_the_same_time(place, make_place):
    app = place.pushed_app()
    wanted = {"gitAppId": app.id, "gitVersionId": "main"}
    other = make_place(place.repo)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(other.client.create, other.id, **wanted) for _ in range(8)]
        states = sorted(job.result().status for job in jobs)
    assert states == [201] + [409] * 7
    others = [make_place(place.repo) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(there.client.create, there.id, **wanted) for there in others]
        ids = {job.result().ok(201)["id"] for job in jobs}
    assert len(ids) == 4


def test_calls_of_every_kind_at_the_same_time(place):
    """Whatever the order, each is answered as one that came alone, and both sides agree."""
    app = place.pushed_app()
    document = app.document

    def call(number):
        changed = with_text(document, f"Text {number}")
        edit = place.client.put_version
        return (
            lambda: place.push(app, f"Push {number}").ok(),
            lambda: place.client.pull(app.id).ok(),
            lambda: place.client.promote(app.id).ok(),
            lambda: edit(app.id, app.version, changed).status in (200, 409) or pytest.fail(),
        )[number % 4]()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(call, range(32)))
    place.push(app).ok()
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    assert place.repo.read_file("Orders/v1.json") == place.exported(app)
    assert place.repo.fsck() == ""


def test_an_imported_app_is_not_created_once_more(place, make_place):
    """It has the same id and was never linked; in git it has another name by now."""
    app = place.pushed_app()
    place.commit_document(app, as_version(app.document, "v1", app_name="Renamed"))
    place.client.delete_app(app.id).ok(204)
    other = make_place(place.repo)
    assert other.import_app(app.document).id == app.id
    with other.unchanged():
        answer = other.client.create(other.id, gitAppId=app.id, gitVersionId="main")
        error = answer.refused(409, "app_already_exists")
    assert "already exists" in error["message"]


# On the wire


def test_a_call_costs_the_exchanges_it_needs_and_no_more(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "changed"))
    seen = len(place.exchanges())
    place.push(app).ok()
    assert place.exchanges()[seen:] == PUSH[1:]  # the branch is expected where it was left
    place.client.pull(app.id).ok()
    assert place.exchanges()[seen:] == PUSH[1:] + LOOK
    place.push(app).ok()
    assert place.exchanges()[seen:] == PUSH[1:] + LOOK + PUSH[:1]
    place.commit_document(app, with_text(app.document, "theirs"))
    seen = len(place.exchanges())
    place.client.pull(app.id).ok()
    assert place.exchanges()[seen:] == FETCH


def test_a_token_is_minted_once(installed, host):
    place = installed()
    place.configure().ok(201)
    apps = [place.new_app(name) for name in ("One", "Two", "Three")]
    with ThreadPoolExecutor(3) as pool:
        assert all(answer.ok() for answer in pool.map(place.push, apps))
    number = place.config["githubAppInstallationId"]
    path = f"/api/v3/app/installations/{number}/access_tokens"
    assert len(host.requests(path=path)) == 1
    host.expire_tokens()
    place.edit(apps[0], with_text(apps[0].document, "changed"))
    assert place.push(apps[0]).ok()["status"] == "pushed"
    assert len(host.requests(path=path)) == 2


def test_a_large_document_travels(place):
    document = new_document("Large", size=3_000_000)
    app = place.import_app(document)
    place.push(app).ok()
    assert place.repo.read_file("Large/v1.json") == app.bytes
    place.edit(app, with_text(document, "changed"))
    assert place.push(app).ok()["files"]["modified"] == [META, "Large/v1.json"]
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"
