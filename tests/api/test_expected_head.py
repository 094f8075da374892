# SPDX-License-Identifier: Apache-2.0
"""A push that does not ask where the branch is: when it may, what it costs, and that a wrong guess does no harm."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from githost.gitrepo import GitError
from keyed import push_path, send
from place import META, with_text

SENT = [("POST", "git-receive-pack", 200)]
ASKED = [("GET", "git-receive-pack", 200), *SENT]
FETCHED = [("GET", "git-receive-pack", 200), ("POST", "git-upload-pack", 200), *SENT]
BODY = {"commitMessage": "Planned"}


@pytest.fixture
def app(place):
    """Pushed twice, so that the server has found the branch as it had left it."""
    app = place.pushed_app()
    push_change(place, app, "again")
    return app


def push_change(place, app, text, **members):
    place.edit(app, with_text(app.document, text))
    return place.push(app, **members)


def test_a_push_to_a_quiet_branch_is_one_exchange(place, app):
    for text in ("one", "two", "three"):
        seen = len(place.exchanges())
        answer = push_change(place, app, text).ok()
        assert place.exchanges()[seen:] == SENT
        assert answer["commit"]["sha"] == place.repo.head()
        assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""


def test_somebody_elses_commit_is_kept(place, app):
    theirs = place.repo.commit_files("main", {"theirs.txt": "theirs\n"}, "Theirs")
    seen = len(place.exchanges())
    answer = push_change(place, app, "ours").ok()
    assert place.exchanges()[seen:] == SENT + FETCHED
    assert answer["commit"]["parent"] == theirs
    assert place.repo.read_file("theirs.txt") == b"theirs\n"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert [commit.sha for commit in place.repo.log(limit=2)] == [answer["commit"]["sha"], theirs]
    assert place.repo.fsck() == ""


def test_whoever_shares_the_branch_is_asked_until_it_is_quiet_again(place, app):
    for number in range(3):
        place.repo.commit_files("main", {"theirs.txt": f"{number}\n"}, "Theirs")
        seen = len(place.exchanges())
        push_change(place, app, f"ours {number}").ok()
        assert place.exchanges()[seen:] == (SENT + FETCHED if number == 0 else FETCHED)
    for text, cost in (("quiet", ASKED), ("quieter", SENT)):
        seen = len(place.exchanges())
        push_change(place, app, text).ok()
        assert place.exchanges()[seen:] == cost


def test_a_change_of_the_same_app_is_not_overwritten(place, app):
    place.commit_document(app, with_text(app.document, "theirs"))
    place.edit(app, with_text(app.document, "ours"))
    with place.unchanged():
        place.push(app).refused(409, "merge_conflict")


def test_a_pull_tells_the_head_as_well(place, app):
    place.commit_document(app, with_text(app.document, "theirs", component=1))
    place.client.pull(app.id).ok()
    app.document = with_text(app.document, "theirs", component=1)
    seen = len(place.exchanges())
    push_change(place, app, "ours").ok()
    assert place.exchanges()[seen:] == SENT


def test_a_branch_that_went_back(place, app):
    first = place.repo.log()[2].sha
    place.repo.set_branch("main", first)
    answer = push_change(place, app, "third", onConflict="ours").ok()
    assert answer["commit"]["parent"] == first
    assert place.repo.fsck() == ""


def test_a_branch_that_is_gone(place, app):
    place.repo.set_branch("other", "main")
    place.repo.delete_branch("main")
    place.edit(app, with_text(app.document, "late"))
    with place.unchanged():
        place.push(app).refused(400, "invalid_branch")


def test_a_host_that_refuses_tells_why(place, app):
    place.repo.protect("main")
    place.edit(app, with_text(app.document, "refused"))
    with place.unchanged():
        assert "GH006" in place.push(app).refused(409, "push_rejected")["message"]
    place.repo.protect("main", False)
    place.push(app).ok()


def test_what_is_not_a_commit_is_judged_on_the_true_head(place, app):
    theirs = place.repo.commit_files("main", {"theirs.txt": "theirs\n"}, "Theirs")
    assert place.push(app).ok()["status"] == "up_to_date"
    place.edit(app, with_text(app.document, "planned"))
    place.repo.commit_files("main", {"theirs.txt": "more\n"}, "Theirs")
    plan = send(place.client, "POST", push_path(app) + "?dryRun=true", BODY).ok()
    answer = send(place.client, "POST", push_path(app), BODY, If_Match=f'"{plan["planHash"]}"')
    assert answer.ok()["commit"]["parent"] == place.repo.log()[1].sha != theirs


def test_an_app_that_was_deleted_in_git_comes_back(place, app):
    place.repo.commit_files("main", {"Orders/v1.json": None, META: "{}"}, "Theirs")
    assert push_change(place, app, "back").ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes


def test_an_expired_token_is_renewed(place, host, app):
    host.expire_tokens()
    seen = len(place.exchanges())
    push_change(place, app, "late").ok()
    assert place.exchanges()[seen:] == [("POST", "git-receive-pack", 401), *SENT]


def test_many_at_once_among_other_peoples_commits(place):
    apps = [place.pushed_app(f"App {number}") for number in range(6)]
    before = len(place.repo.log(limit=1000))

    def disturb(number):
        """The host's own tool gives up when it is the slower one."""
        for _ in range(50):
            with contextlib.suppress(GitError):
                return place.repo.commit_files("main", {f"{number}.txt": "theirs\n"}, "Theirs")
        raise AssertionError("nothing could be committed")

    def push_and_disturb(number):
        if number % 3 == 0:
            disturb(number)
        return push_change(place, apps[number % 6], f"text {number}").ok()["status"]

    for start in range(0, 18, 6):
        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(push_and_disturb, range(start, start + 6))) == {"pushed"}
    assert len(place.repo.log(limit=1000)) == before + 18 + 6
    assert place.repo.fsck() == ""
