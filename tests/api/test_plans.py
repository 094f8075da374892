# SPDX-License-Identifier: Apache-2.0
"""Plans: a dry run changes nothing and shows what would happen, and the real call can be bound to it."""

import re
import subprocess

import pytest
from githost.gitrepo import environment
from place import App, module_document, new_document, showing, unique, with_text

DRY = {"dryRun": "true"}
DIFF = {"dryRun": "true", "diff": "true"}
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z")
MODES = {"added": "new file mode 100644", "deleted": "deleted file mode 100644"}


@pytest.fixture(params=["single-file", "per-entity"])
def layout(request):
    return request.param


@pytest.fixture
def place(layout, make_place):
    return make_place(layout=layout)


@pytest.fixture
def app(place):
    return place.pushed_app()


def bound(plan):
    return {"If-Match": f'"{plan["planHash"]}"'}


def outdated(answer):
    assert "dryRun=true" in answer.refused(412, "plan_changed")["message"]


def push_elsewhere(make_place, place, app, document):
    """Another server's organization changes the app in git, whatever the layout."""
    other = make_place(place.repo)
    made = other.client.create(other.id, gitAppId=app.id, gitVersionId="main").ok(201)
    theirs = App(made["id"], made["version"]["id"], document)
    other.edit(theirs, document)
    assert other.push(theirs, "Theirs").ok()["status"] == "pushed"


# The diff of a push


def git(folder, *arguments, data=None):
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(
        command, input=data, env=environment(), check=True, capture_output=True
    ).stdout


@pytest.fixture
def applied(tmp_path):
    """Applies a diff to what a revision holds, in a clone; gives the files by path."""

    def apply(repo, revision, diff):
        folder = tmp_path / unique("clone")
        git(tmp_path, "init", "--quiet", str(folder))
        if revision:
            git(folder, "fetch", "--quiet", str(repo.folder), "main")
            git(folder, "checkout", "--quiet", revision)
        for arguments in (["--check"], ["--index"]):
            git(folder, "apply", "--whitespace=nowarn", *arguments, "-", data=diff.encode())
        listed = git(folder, "ls-files", "--stage", "-z").decode().split("\0")[:-1]
        paths = {line.split("\t", 1)[1]: line.split(" ", 1)[0] for line in listed}
        return {path: (mode, (folder / path).read_bytes()) for path, mode in paths.items()}

    return apply


def committed(repo, revision):
    """The same of a commit."""
    modes = {}
    for record in repo.git("ls-tree", "-r", "-z", revision).split(b"\0")[:-1]:
        about, path = record.split(b"\t", 1)
        modes[path.decode()] = about.split()[0].decode()
    return {path: (modes[path], content) for path, content in repo.files(revision).items()}


def timeless(files):
    """The plan and the push are not of the same moment."""
    return {path: (mode, MOMENT.sub(b"", text)) for path, (mode, text) in files.items()}


def check_push(place, app, applied, **members):
    """The diff of a plan is what the push then does; gives it."""
    parent = place.repo.head()
    with place.unchanged():
        plan = place.push(app, query=DIFF, **members).ok()
    assert plan["dryRun"] is True and plan["diffCut"] is False
    pushed = place.push(app, headers=bound(plan), **members).ok()
    assert pushed["files"] == plan["files"] and "diff" not in pushed
    seen = timeless(applied(place.repo, parent, plan["diff"]))
    assert seen == timeless(committed(place.repo, pushed["commit"]["sha"]))
    told = sorted(path for paths in plan["files"].values() for path in paths)
    if all(path.isascii() for path in told):
        heads = [f"diff --git a/{path} b/{path}" for path in told]
        assert [
            line for line in plan["diff"].splitlines() if line.startswith("diff --git ")
        ] == heads
    for kind, line in MODES.items():
        assert plan["diff"].count(f"\n{line}\n") == len(plan["files"][kind])
    return plan


def test_the_diff_of_a_push(place, layout, app, applied):
    place.edit(app, with_text(app.document, "changed"))
    plan = check_push(place, app, applied)
    assert plan["files"]["added"] == plan["files"]["deleted"] == []
    if layout == "per-entity":
        assert [path for path in plan["files"]["modified"] if "/components/" in path]
    else:
        assert "Orders/v1.json" in plan["files"]["modified"]
    assert [line for line in plan["diff"].splitlines() if line[0] == "+" and "changed" in line]


def test_the_diff_of_a_new_app(place, applied):
    plan = check_push(place, place.new_app("Fresh"), applied)
    assert plan["files"]["added"] and "\n--- /dev/null\n" in plan["diff"]


def test_the_diff_of_a_first_commit(layout, make_repo, make_place, applied):
    empty = make_place(make_repo(files=None), layout=layout)
    check_push(empty, empty.new_app("Fresh"), applied)


def test_the_diff_has_the_modules(place, applied):
    module = place.import_app(module_document(unique("Header")))
    plan = check_push(place, place.import_app(showing(new_document(), module.id)), applied)
    assert [one["gitAppId"] for one in plan["modules"]] == [module.id]


def test_the_diff_of_a_rename_has_both_ends(place, layout, app, applied):
    folder = "Orders" if layout == "single-file" else "apps/Orders"
    others = {
        f"{folder}/picture.png": b"\x89PNG\0\1\2\3" * 50,
        f"{folder}/alt.txt": b"caf\xe9\n",
        f"{folder}/run.sh": ("100755", "#!/bin/sh\n"),
        f"{folder}/empty": b"",
    }
    place.repo.commit_files("main", others, "Theirs")
    place.client.rename(app.id, "Käufe").ok()
    parent = place.repo.head()
    plan = place.push(app, query=DIFF).ok()
    assert len(plan["files"]["deleted"]) == len(plan["files"]["added"]) >= len(others)
    pushed = place.push(app).ok()
    seen = timeless(applied(place.repo, parent, plan["diff"]))
    assert seen == timeless(committed(place.repo, pushed["commit"]["sha"]))
    assert plan["diff"].count("GIT binary patch") == 4
    assert plan["diff"].count("file mode 100755") == 2


def test_nothing_to_push_has_an_empty_diff(place, app):
    plan = place.push(app, query=DIFF).ok()
    assert (plan["status"], plan["diff"], plan["diffCut"]) == ("up_to_date", "", False)
    assert "diff" not in place.push(app, query=DRY).ok()


def test_the_diff_of_a_push_that_merges(make_place, place, app, applied):
    push_elsewhere(make_place, place, app, with_text(app.document, "theirs"))
    place.edit(app, with_text(app.document, "ours", component=1))
    check_push(place, app, applied, onConflict="merge")


def test_the_diff_of_a_rollback(place, app, applied):
    first = place.repo.head()
    place.edit(app, with_text(app.document, "second"))
    second = place.push(app).ok()["commit"]["sha"]
    plan = place.client.rollback(app.id, commit=first, query=DIFF).ok()
    assert plan["diff"].startswith("diff --git a/Orders/v1 (document) b/Orders/v1 (document)\n")
    assert "\n+" in plan["diff"] and plan["diffCut"] is False
    plan = place.client.rollback(app.id, commit=first, push=True, query=DIFF).ok()
    assert "diff" not in plan
    pushed = place.client.rollback(app.id, commit=first, push=True).ok()["push"]
    seen = timeless(applied(place.repo, second, plan["push"]["diff"]))
    assert seen == timeless(committed(place.repo, pushed["commit"]["sha"]))


# The diff of what comes from git


def label(layout):
    return "Orders/v1.json" if layout == "single-file" else "apps/Orders (document)"


def test_the_diff_of_a_pull(make_place, place, layout, app):
    push_elsewhere(make_place, place, app, with_text(app.document, "theirs"))
    with place.unchanged():
        plan = place.client.pull(app.id, **DIFF).ok()
    name = label(layout)
    assert plan["diff"].startswith(f"diff --git a/{name} b/{name}\n")
    assert [line for line in plan["diff"].splitlines() if line[0] == "+" and "theirs" in line]
    assert plan["diffCut"] is False
    assert place.client.promote(app.id, **DIFF).ok()["diff"] == plan["diff"]
    assert "diff" not in place.client.pull(app.id, **DRY).ok()
    assert "diff" not in place.client.pull(app.id, headers=bound(plan)).ok()


def test_the_diff_of_a_creation(make_place, place, layout, app):
    fresh = make_place(place.repo)
    with fresh.unchanged():
        plan = fresh.client.create(fresh.id, gitAppId=app.id, gitVersionId="main", query=DIFF).ok(
            201
        )
    name = label(layout)
    assert plan["diff"].startswith(f"diff --git a/{name} b/{name}\n")
    lines = plan["diff"].splitlines()
    assert not [line for line in lines if line[0] == "-" and not line.startswith("---")]
    assert [line for line in lines if line[0] == "+" and "Orders" in line]
    made = fresh.client.create(
        fresh.id, gitAppId=app.id, gitVersionId="main", headers=bound(plan)
    ).ok(201)
    assert "diff" not in made


# Nothing changes


def recorded(place, app):
    operations = place.client.operations(organizationId=place.id).ok()
    return (
        operations,
        place.client.operations(appId=app.id).ok(),
        place.client.releases(app.id).ok(),
    )


def pushing(place, app, **members):
    return place.push(app, **members)


def pulling(place, app, *, query=None, headers=None):
    return place.client.pull(app.id, headers=headers, **(query or {}))


def promoting(place, app, *, query=None, headers=None):
    return place.client.promote(app.id, headers=headers, **(query or {}))


CALLS = pytest.mark.parametrize(
    "call", [pushing, pulling, promoting], ids=lambda call: call.__name__
)


@pytest.fixture
def busy(make_place, place, app):
    """The app with something to pull; a push of it would insist on what is here."""
    push_elsewhere(make_place, place, app, with_text(app.document, "theirs"))
    return app


@CALLS
def test_a_dry_run_changes_nothing(place, busy, call):
    members = {"onConflict": "ours"} if call is pushing else {}
    if call is pushing:
        place.edit(busy, with_text(busy.document, "ours"))
    before = recorded(place, busy)
    with place.unchanged():
        for query in (DRY, DIFF):
            plan = call(place, busy, query=query, **members).ok()
            assert plan["dryRun"] is True and len(plan["planHash"]) == 64
            assert "operationId" not in plan
            assert any(plan["changes"].values())
    assert recorded(place, busy) == before
    assert "planHash" not in call(place, busy, **members).ok()


def test_a_dry_run_of_a_promotion_tells_what_it_would_do(place, busy):
    plan = promoting(place, busy, query=DRY).ok()
    done = promoting(place, busy, headers=bound(plan)).ok()
    for key in ("status", "changes", "version", "currentVersionId", "previousVersionId"):
        if key != "changes":
            assert plan.get(key) == done.get(key), key
    assert {k: len(v) for k, v in plan["changes"].items()} == {
        k: len(v) for k, v in done["changes"].items()
    }
    assert place.client.releases(busy.id).ok()["data"][0]["versionId"] == busy.version


# What a plan rests on


@CALLS
def test_a_plan_is_out_of_date_when_the_document_moved(place, app, call):
    plan = call(place, app, query=DRY).ok()
    place.edit(app, with_text(app.document, "edited"))
    with place.unchanged():
        outdated(call(place, app, headers=bound(plan)))
    call(place, app, headers=bound(call(place, app, query=DRY).ok())).ok()


@CALLS
def test_a_plan_is_out_of_date_when_the_branch_moved(place, app, call):
    plan = call(place, app, query=DRY).ok()
    place.repo.commit_files("main", {"theirs.txt": "theirs\n"}, "Theirs")
    if call is pushing:
        place.edit(app, with_text(app.document, "edited"))
        place.edit(app, app.document)
    with place.unchanged():
        outdated(call(place, app, headers=bound(plan)))
    call(place, app, headers=bound(call(place, app, query=DRY).ok())).ok()


@CALLS
def test_a_plan_is_out_of_date_when_the_configuration_moved(place, layout, app, call):
    plan = call(place, app, query=DRY).ok()
    place.configure(layout=layout, tag=True).ok(201)
    with place.unchanged():
        outdated(call(place, app, headers=bound(plan)))
    call(place, app, headers=bound(call(place, app, query=DRY).ok())).ok()


@pytest.mark.parametrize("moved", ["branch", "configuration"])
def test_the_plan_of_a_creation_is_out_of_date(make_place, place, app, moved):
    fresh = make_place(place.repo)
    plan = fresh.client.create(fresh.id, gitAppId=app.id, gitVersionId="main", query=DRY).ok(201)
    if moved == "branch":
        place.repo.commit_files("main", {"theirs.txt": "theirs\n"}, "Theirs")
    else:
        fresh.configure(tag=True).ok(201)
    with fresh.unchanged():
        outdated(
            fresh.client.create(fresh.id, gitAppId=app.id, gitVersionId="main", headers=bound(plan))
        )
    plan = fresh.client.create(fresh.id, gitAppId=app.id, gitVersionId="main", query=DRY).ok(201)
    fresh.client.create(fresh.id, gitAppId=app.id, gitVersionId="main", headers=bound(plan)).ok(201)


def test_a_plan_holds_for_its_own_call_only(place, app):
    plan = place.client.pull(app.id, **DRY).ok()
    outdated(place.push(app, headers=bound(plan)))
    outdated(place.client.promote(app.id, headers=bound(plan)))


@pytest.mark.parametrize("text", ["", "1234", '"*"', "*"])
def test_what_is_no_plan(place, app, text):
    error = place.push(app, headers={"If-Match": text}).refused(400, "invalid_input")
    assert error["details"] == [{"field": "If-Match"}]
