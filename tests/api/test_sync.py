# SPDX-License-Identifier: Apache-2.0
"""What a push and a pull do to the files, when others work in the same repository and app."""

import json

import pytest
from make_app import app_v2_of, make_app
from place import META, as_version, text_of, unique, with_text
from repos import build_repo

DRY = {"dryRun": "true"}


def here(place, app):
    return json.loads(place.exported(app))


# Pushing


def test_what_is_there_already_is_not_pushed_again(place):
    app = place.pushed_app()
    head = place.repo.head()
    answer = place.push(app, "Again").ok()
    assert answer["status"] == "up_to_date" and "commit" not in answer
    assert answer["files"] == {"added": [], "modified": [], "deleted": []}
    assert place.repo.head() == head
    document = app.document
    place.edit(app, with_text(document, "changed"))
    place.edit(app, document)
    assert place.push(app, "Back again").ok()["status"] == "up_to_date"


def test_an_app_has_one_version_in_git(place):
    document = make_app(unique("versions"), name="Orders", versions=("v1", "v2"))
    made = place.client.import_app(place.id, document).ok(201)
    second, first = made["versions"]
    place.client.push(made["id"], first["id"]).ok()
    answer = place.client.push(made["id"], second["id"]).ok()
    changes = {"added": ["Orders/v2.json"], "modified": [META], "deleted": ["Orders/v1.json"]}
    assert answer["files"] == changes
    assert set(place.repo.ls_tree()) == {META, "README.md", "Orders/v2.json"}
    (entry,) = place.meta().values()
    assert (entry["gitVersionName"], entry["gitVersionId"]) == ("v2", second["id"])
    exported = place.client.export(place.id, made["id"], appVersion="v2").body
    assert place.repo.read_file("Orders/v2.json") == exported


def test_a_version_that_was_saved_under_another_name_moves_its_file(place):
    app = place.pushed_app()
    place.client.save(app.id, name="v1.1").ok(201)
    answer = place.push(app).ok()
    changes = {"added": ["Orders/v1.1.json"], "modified": [META], "deleted": ["Orders/v1.json"]}
    assert answer["files"] == changes
    assert place.repo.read_file("Orders/v1.1.json") == place.exported(app)
    assert place.meta()[app.id]["gitVersionName"] == "v1.1"


def test_what_is_not_ours_stays(make_place, make_repo):
    repo = make_repo(files=None)
    apps = build_repo(repo, "foreign")
    place = make_place(repo)
    styled = apps["Styled"]
    created = place.client.create(place.id, gitAppName="Styled", gitVersionId="main").ok(201)
    before = repo.text("ls-tree", "-r", "main").splitlines()
    changed = with_text(styled.document, "changed")
    place.client.put_version(created["id"], created["version"]["id"], changed).ok()
    place.client.push(created["id"], created["version"]["id"]).ok()
    after = repo.text("ls-tree", "-r", "main").splitlines()
    changed_lines = {line.split("\t")[1] for line in set(before) ^ set(after)}
    assert changed_lines == {META, styled.path}
    assert len(before) == len(after) and repo.fsck() == ""


@pytest.mark.parametrize("branch", ["main", "team/apps"])
def test_the_first_push_makes_the_branch(make_place, make_repo, branch):
    """Whether or not it is the one that HEAD of the empty repository names."""
    place = make_place(make_repo(files=None), branchName=branch)
    app = place.new_app()
    answer = place.push(app, "The first one").ok()
    assert answer["commit"]["parent"] is None and answer["branch"] == branch
    assert place.repo.branches() == {branch: answer["commit"]["sha"]}
    assert set(place.repo.ls_tree(branch)) == {META, "Orders/v1.json"}
    assert place.repo.fsck() == ""
    assert place.push(app).ok()["status"] == "up_to_date"


def test_other_peoples_commits_stay(place):
    app = place.pushed_app()
    theirs = place.repo.commit_files("main", {"docs/a.txt": "theirs\n"}, "Theirs")
    place.edit(app, with_text(app.document, "ours"))
    answer = place.push(app, "Ours").ok()
    assert answer["commit"]["parent"] == theirs
    assert place.repo.read_file("docs/a.txt") == b"theirs\n"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert [commit.message for commit in place.repo.log()][:3] == ["Ours", "Theirs", "Push"]


def test_a_commit_that_comes_in_between_is_not_lost(make_place, host):
    """Somebody is faster, exactly between our look at the branch and our push."""
    place = make_place(configured=False)
    url = place.repo.fault_url
    place.configure(gitUrl=url, githubEnterpriseApiUrl=host.info["apiUrl"]).ok(201)
    app = place.new_app()
    race = {"repo": place.repo.name, "files": {"faster.txt": "somebody was faster"}}
    rule = {"match": place.repo.name, "service": "git-receive-pack", "method": "POST"}
    host.fault("pass", **rule, times=2, race_commit=race)
    answer = place.push(app, "Ours").ok()
    log = place.repo.log()
    assert [commit.message for commit in log].count("Ours") == 1
    assert log[0].sha == answer["commit"]["sha"] and len(log) == 4
    assert place.repo.read_file("faster.txt") == b"somebody was faster"
    assert place.repo.read_file("Orders/v1.json") == app.bytes


# Both sides change


def test_a_push_never_overwrites_what_was_not_pulled(place):
    app = place.pushed_app()
    theirs = with_text(app.document, "theirs")
    place.commit_document(app, theirs)
    place.edit(app, with_text(app.document, "ours", component=1))
    with place.unchanged():
        error = place.push(app).refused(409, "merge_conflict")
    assert "Orders" in error["message"] and error["details"] == []
    assert '"onConflict":"merge"' in error["message"]
    with place.unchanged():
        assert place.push(app, onConflict="merge", query=DRY).ok()["status"] == "pushed"
    merged = place.client.pull(app.id).ok()
    assert merged["status"] == "merged"
    both = here(place, app)
    assert (text_of(both), text_of(both, 1)) == ("theirs", "ours")
    assert place.push(app, "Both").ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == place.exported(app)
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"


def test_a_push_tells_what_both_sides_changed(place):
    app = place.pushed_app()
    base = app.document
    place.commit_document(app, with_text(base, "theirs"))
    place.edit(app, with_text(with_text(base, "ours"), "only ours", component=1))
    with place.unchanged():
        error = place.push(app).refused(409, "merge_conflict")
        merging = place.push(app, onConflict="merge").refused(409, "merge_conflict")
        dry = place.push(app, query=DRY).refused(409, "merge_conflict")
    (conflict,) = error["details"]
    component = app_v2_of(base)["components"][0]
    assert [conflict[key] for key in ("type", "id", "name", "ours", "theirs")] == [
        "component",
        component["id"],
        component["name"],
        "ours",
        "theirs",
    ]
    assert conflict["member"] and conflict["base"] == text_of(base)
    assert merging["details"] == dry["details"] == error["details"]
    assert place.client.status(app.id).ok()["conflicts"] == error["details"]
    assert place.client.pull(app.id).refused(409, "merge_conflict")["details"] == error["details"]
    for refusal in (error, merging, dry):
        assert '"onConflict":"ours"' in refusal["message"]
        assert '"onConflict":"merge"' not in refusal["message"]


def test_a_push_of_another_version_cannot_merge(place):
    app = place.pushed_app()
    theirs = as_version(with_text(app.document, "theirs"), "v2")
    place.commit_document(app, theirs)
    place.edit(app, with_text(app.document, "ours"))
    with place.unchanged():
        for wish in ("fail", "merge"):
            error = place.push(app, onConflict=wish).refused(409, "merge_conflict")
            assert error["details"] == [] and '"merge"' not in error["message"]


def test_a_push_may_merge(place):
    app = place.pushed_app()
    place.commit_document(app, with_text(app.document, "theirs"))
    place.edit(app, with_text(app.document, "ours", component=1))
    assert place.push(app, onConflict="merge").ok()["status"] == "pushed"
    both = json.loads(place.repo.read_file("Orders/v1.json"))
    assert (text_of(both), text_of(both, 1)) == ("theirs", "ours")
    assert here(place, app) == both
    place.commit_document(app, with_text(both, "theirs again"))
    place.edit(app, with_text(both, "ours as well"))
    with place.unchanged():
        error = place.push(app, onConflict="merge").refused(409, "merge_conflict")
    assert error["details"][0]["type"] == "component"


def test_a_push_may_insist(place):
    app = place.pushed_app()
    theirs = place.commit_document(app, with_text(app.document, "theirs"))
    place.edit(app, with_text(app.document, "ours"))
    answer = place.push(app, onConflict="ours").ok()
    assert answer["commit"]["parent"] == theirs
    assert place.repo.read_file("Orders/v1.json") == app.bytes


@pytest.mark.parametrize("wish, text", [("theirs", "theirs"), ("ours", "ours")])
def test_a_pull_may_decide(place, wish, text):
    app = place.pushed_app()
    theirs = with_text(with_text(app.document, "theirs"), "only theirs", component=2)
    place.commit_document(app, theirs)
    place.edit(app, with_text(with_text(app.document, "ours"), "only ours", component=1))
    answer = place.client.pull(app.id, onConflict=wish).ok()
    assert answer["status"] == "merged"
    merged = here(place, app)
    # The wish settles what is in conflict and nothing else.
    assert [text_of(merged, n) for n in range(3)] == [text, "only ours", "only theirs"]
    assert place.push(app).ok()["status"] == "pushed"
    assert json.loads(place.repo.read_file("Orders/v1.json")) == merged


def test_a_pull_without_changes_here_takes_what_is_in_git(place):
    app = place.pushed_app()
    theirs = with_text(app.document, "theirs")
    place.commit_document(app, theirs)
    assert place.client.pull(app.id).ok()["status"] == "updated"
    assert place.exported(app) == place.repo.read_file("Orders/v1.json")
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    place.edit(app, with_text(theirs, "ours"))
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    assert here(place, app) == app.document


# Names and versions


def test_a_rename_in_git_is_adopted(place):
    app = place.pushed_app("Orders")
    renamed = as_version(app.document, "v1", app_name="Purchases")
    place.commit_document(app, renamed)
    place.client.pull(app.id).ok()
    assert place.client.app(app.id).ok()["name"] == "Purchases"
    document = with_text(here(place, app), "changed")
    place.client.put_version(app.id, app.version, document).ok()
    answer = place.push(app).ok()
    assert answer["files"] == {
        "added": [],
        "modified": [META, "Purchases/v1.json"],
        "deleted": [],
    }


def test_a_pull_adds_a_version_of_a_new_name(place):
    app = place.pushed_app()
    second = as_version(app.document, "v2")
    place.commit_document(app, second)
    answer = place.client.pull(app.id).ok()
    assert (answer["status"], answer["version"]["name"]) == ("updated", "v2")
    assert answer["version"]["id"] == app_v2_of(second)["appVersions"][0]["id"]
    versions = place.client.versions(app.id).ok()["versions"]
    assert [version["name"] for version in versions] == ["v2", "v1"]
    assert here(place, app) == second
    assert place.exported(app, appVersion="v1") == app.bytes


@pytest.mark.parametrize("kind", ["branch", "full ref", "tag", "annotated tag", "commit", "id"])
def test_a_revision_can_be_named_in_every_way(place, make_place, kind):
    app = place.pushed_app()
    old = place.repo.head()
    place.repo.set_branch("old/one", old)
    place.repo.tag("light", old)
    place.repo.tag("heavy", old, message="A note")
    second = as_version(app.document, "v2")
    place.commit_document(app, second)
    refs = {
        "branch": "old/one",
        "full ref": "refs/tags/heavy",
        "tag": "light",
        "annotated tag": "heavy",
        "commit": old,
        "id": app_v2_of(second)["appVersions"][0]["id"],
    }
    version = "v2" if kind == "id" else "v1"
    other = make_place(place.repo)
    created = other.client.create(other.id, gitAppId=app.id, gitVersionId=refs[kind]).ok(201)
    assert created["version"]["name"] == version
    assert created["git"]["commit"] == (place.repo.head() if kind == "id" else old)
    pulled = place.client.pull(app.id, ref=refs[kind]).ok()
    assert pulled["version"]["name"] == version
    assert pulled["status"] == ("updated" if kind == "id" else "up_to_date")
