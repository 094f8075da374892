# SPDX-License-Identifier: Apache-2.0
"""Apps that are renamed here or in git stay what they are: the name moves, the id and the history stay."""

import json
import uuid

import pytest
from keyed import at_once
from place import META, module_document, with_text

ENTITY_METAS = (".meta/appMeta.json", ".meta/moduleMeta.json")


@pytest.fixture(params=["single-file", "per-entity"])
def place(request, make_place):
    return make_place(layout=request.param)


@pytest.fixture
def app(place):
    return place.pushed_app("Orders")


def rename(place, app, name, **headers):
    return place.client.rename(app.id, name, headers=headers)


def name_of(place, app):
    return place.client.app(app.id).ok()["name"]


def state_of(place, app):
    return place.client.status(app.id).ok()["state"]


def metas(place):
    """The metadata of the branch, by path."""
    files = place.repo.files("main")
    return {p: json.loads(place.repo.read_file(p)) for p in (META, *ENTITY_METAS) if p in files}


def folders(place):
    """The folder of each app in git, by its id."""
    entries = {}
    for meta in metas(place).values():
        entries |= meta
    return {key: entry.get("appPath") or entry["gitAppName"] for key, entry in entries.items()}


def names_in_git(place):
    return {key: folder.rsplit("/", 1)[-1] for key, folder in folders(place).items()}


def rename_in_git(place, names, message="Rename in git"):
    """Somebody renames apps in one commit, past the server; names by their ids in git."""
    changed, old = metas(place), folders(place)
    gone, written = {}, {}
    for key, name in names.items():
        new = "/".join([*old[key].split("/")[:-1], name])
        for path in place.repo.files("main"):
            if path.startswith(old[key] + "/"):
                gone[path] = None
                written[new + path[len(old[key]) :]] = place.repo.read_file(path)
        for meta in changed.values():
            if key in meta:
                meta[key] |= {"appPath": new} if "appPath" in meta[key] else {"gitAppName": name}
    texts = {
        path: json.dumps(meta, indent=2, ensure_ascii=False).encode()
        for path, meta in changed.items()
    }
    return place.repo.commit_files("main", gone | written | texts, message)


def followed(place, path):
    """The subjects of the commits that git log --follow finds for a path, newest first."""
    log = place.repo.git("log", "--follow", "--format=%s", "main", "--", path)
    return log.decode().splitlines()


def document_path(place, app):
    """The largest file of the app in git."""
    folder = folders(place)[app.id] + "/"
    paths = [path for path in place.repo.files("main") if path.startswith(folder)]
    return max(paths, key=lambda path: (len(place.repo.read_file(path)), path))


# Renaming here: what is refused


@pytest.mark.parametrize("name", ["..", ".git", "a/b", "a\nb", ".meta", "", " ", "x" * 256])
def test_a_name_that_cannot_be_a_folder_is_refused(place, app, name):
    with place.unchanged():
        answer = rename(place, app, name)
        assert answer.json["code"] in ("invalid_name", "invalid_input")
        answer.refused(answer.status, answer.json["code"])
    assert answer.status in (400, 422)


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": 7}, {"name": "a\0b"}, [], b"{"])
def test_a_body_without_a_name_is_refused(place, app, body):
    with place.unchanged():
        answer = place.client.send("PATCH", f"/api/ext/apps/{app.id}", body)
        answer.refused(400, answer.json["code"])


def test_an_app_that_is_not_there(place):
    place.client.rename(str(uuid.uuid4()), "Anything").refused(404, "not_found")


def test_a_name_that_another_app_has_is_refused(place, app):
    place.new_app("Sales")
    with place.unchanged():
        error = rename(place, app, "Sales").refused(409, "app_already_exists")
    assert "Sales" in error["message"]


def test_a_folder_in_git_that_another_app_has_is_refused(place, app, make_place):
    make_place(place.repo).pushed_app("Sales")
    rename(place, app, "Sales").ok()
    with place.unchanged():
        place.push(app).refused(409, "app_name_taken")
    assert state_of(place, app) == "ahead"


# Renaming here


def test_a_rename_keeps_all_but_the_name(place, app):
    before, bytes_before = place.client.app(app.id).ok(), place.exported(app)
    answer = rename(place, app, "Purchases").ok()
    assert answer == place.client.app(app.id).ok()
    assert answer | {"updatedAt": None} == before | {"name": "Purchases", "updatedAt": None}
    assert place.exported(app) == bytes_before
    place.new_app("Orders")


def test_the_name_that_it_has_changes_nothing(place, app):
    with place.unchanged():
        rename(place, app, "Orders").ok()


def test_a_key_makes_it_happen_once(place, app):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = rename(place, app, "First", **key)
    rename(place, app, "Second").ok()
    again = rename(place, app, "First", **key)
    assert (again.status, again.body) == (first.status, first.body)
    assert name_of(place, app) == "Second"
    rename(place, app, "Third", **key).refused(422, "idempotency_key_reused")


# One side renamed


def test_a_rename_is_one_commit_that_moves_the_files(place, app):
    place.edit(app, with_text(app.document, "a second commit"))
    place.push(app, "Second").ok()
    foreign = f"{folders(place)[app.id]}/notes/read me.txt"
    place.repo.commit_files("main", {foreign: "theirs\n"}, "Notes")
    commits, before = len(place.repo.log()), place.client.app(app.id).ok()
    rename(place, app, "Purchases").ok()
    status = place.client.status(app.id).ok()
    assert (status["state"], status["name"]) == ("ahead", "Purchases")
    assert (status["lastSynced"]["name"], status["remote"]["name"]) == ("Orders", "Orders")
    answer = place.push(app, "Rename").ok()
    assert (answer["status"], answer["gitAppName"]) == ("pushed", "Purchases")
    assert answer["renames"] == [
        {"appId": app.id, "from": "Orders", "to": "Purchases", "madeIn": "here"}
    ]
    assert len(place.repo.log()) == commits + 1
    assert names_in_git(place) == {app.id: "Purchases"}
    files = place.repo.files("main")
    assert not [path for path in files if "Orders/" in path]
    assert foreign.replace("Orders", "Purchases") in files
    assert followed(place, document_path(place, app))[0] == "Rename"
    assert followed(place, document_path(place, app))[-1] == "Push"
    assert state_of(place, app) == "in_sync"
    assert place.push(app).ok()["status"] == "up_to_date"
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    assert place.client.app(app.id).ok()["id"] == before["id"]
    assert place.repo.fsck() == ""


def test_a_rename_of_the_case_alone(place, app):
    for name in ("orders", "ORDERS"):
        rename(place, app, name).ok()
        place.push(app, name).ok()
        assert names_in_git(place) == {app.id: name}
    rename_in_git(place, {app.id: "Orders"})
    assert place.client.pull(app.id).ok()["status"] == "updated"
    assert name_of(place, app) == "Orders"
    assert followed(place, document_path(place, app))[-1] == "Push"


def test_a_dry_run_tells_the_moves(place, app):
    rename(place, app, "Purchases").ok()
    with place.unchanged():
        path = f"/api/ext/apps/{app.id}/versions/{app.version}/git-sync/push?dryRun=true"
        plan = place.client.send("POST", path, {"commitMessage": "Look"}).ok()
    assert [entry["to"] for entry in plan["renames"]] == ["Purchases"]
    assert [path for path in plan["files"]["deleted"] if "Orders/" in path]
    assert [path for path in plan["files"]["added"] if "Purchases/" in path]
    assert place.push(app).ok()["files"] == plan["files"]


def test_a_pull_keeps_a_rename_that_was_made_here(place, app):
    rename(place, app, "Purchases").ok()
    for wish in (None, "ours", "theirs"):
        answer = place.client.pull(app.id, onConflict=wish).ok()
        assert answer["status"] == "up_to_date"
        assert answer["renames"] == [
            {"appId": app.id, "from": "Orders", "to": "Purchases", "madeIn": "here"}
        ]
    assert (name_of(place, app), state_of(place, app)) == ("Purchases", "ahead")
    assert place.push(app).ok()["status"] == "pushed"
    assert names_in_git(place) == {app.id: "Purchases"}


def test_a_pull_takes_a_rename_in_git_over(place, app):
    rename_in_git(place, {app.id: "Purchases"})
    place.client.status(app.id, refresh="true").ok()
    assert state_of(place, app) == "behind"
    plan = place.client.pull(app.id, dryRun="true").ok()
    assert name_of(place, app) == "Orders"
    answer = place.client.pull(app.id).ok()
    assert answer["status"] == plan["status"] == "updated"
    assert answer["renames"] == plan["renames"] == [
        {"appId": app.id, "from": "Orders", "to": "Purchases", "madeIn": "git"}
    ]
    assert (name_of(place, app), state_of(place, app)) == ("Purchases", "in_sync")
    assert place.push(app).ok()["status"] == "up_to_date"


def test_a_push_does_not_undo_a_rename_in_git(place, app):
    rename_in_git(place, {app.id: "Purchases"})
    place.edit(app, with_text(app.document, "here"))
    with place.unchanged():
        error = place.push(app).refused(409, "merge_conflict")
        assert error["details"] == [] and '"onConflict":"merge"' in error["message"]
    place.push(app, onConflict="ours").ok()
    assert names_in_git(place) == {app.id: "Orders"}
    assert state_of(place, app) == "in_sync"


def test_a_merging_push_takes_the_name_over(place, app):
    rename_in_git(place, {app.id: "Purchases"})
    place.edit(app, with_text(app.document, "here"))
    answer = place.push(app, onConflict="merge").ok()
    assert answer["renames"] == [
        {"appId": app.id, "from": "Orders", "to": "Purchases", "madeIn": "git"}
    ]
    assert names_in_git(place) == {app.id: "Purchases"}
    assert (name_of(place, app), state_of(place, app)) == ("Purchases", "in_sync")


def test_a_merging_push_when_the_name_is_held_here(place, app):
    rename_in_git(place, {app.id: "Purchases"})
    place.new_app("Purchases")
    with place.unchanged():
        place.push(app, onConflict="merge").refused(409, "app_already_exists")


def test_two_renames_that_are_pushed_at_once(place, app):
    rename(place, app, "Second").ok()
    place.push(app).ok()
    rename(place, app, "Third").ok()
    answers = at_once([lambda: place.push(app)] * 2)
    assert {answer.ok()["status"] for answer in answers} <= {"pushed", "up_to_date"}
    assert names_in_git(place) == {app.id: "Third"}
    assert state_of(place, app) == "in_sync"


def test_a_module_is_renamed_like_an_app(place):
    module = place.import_app(module_document("Inner"))
    place.push(module).ok()
    rename(place, module, "Outer").ok()
    place.push(module, "Rename").ok()
    assert names_in_git(place) == {module.id: "Outer"}
    assert followed(place, document_path(place, module)) == ["Rename", "Push"]
    assert state_of(place, module) == "in_sync"


def test_a_push_advises_no_merge_that_cannot_take_gits_name(place, app):
    place.new_app("Purchases")
    rename_in_git(place, {app.id: "Purchases"})
    with place.unchanged():
        error = place.push(app).refused(409, "merge_conflict")
        assert "rename one of them" in error["message"] and '"merge"' not in error["message"]
        place.push(app, onConflict="merge").refused(409, "app_already_exists")


# Both sides renamed


def test_renames_on_both_sides(place, app):
    rename(place, app, "Here").ok()
    rename_in_git(place, {app.id: "There"})
    with place.unchanged():
        (detail,) = place.client.pull(app.id).refused(409, "merge_conflict")["details"]
        assert (detail["member"], detail["id"]) == ("name", app.id)
        assert (detail["base"], detail["ours"], detail["theirs"]) == ("Orders", "Here", "There")
        status = place.client.status(app.id).ok()
        assert (status["state"], status["conflicts"]) == ("conflicted", [detail])
        for wish in ("fail", "merge"):
            place.push(app, onConflict=wish).refused(409, "merge_conflict")


@pytest.mark.parametrize(("wish", "name"), [("theirs", "There"), ("ours", "Here")])
def test_renames_on_both_sides_are_settled_by_a_pull(place, app, wish, name):
    rename(place, app, "Here").ok()
    rename_in_git(place, {app.id: "There"})
    place.client.pull(app.id, onConflict=wish).ok()
    assert name_of(place, app) == name
    assert state_of(place, app) == ("in_sync" if wish == "theirs" else "ahead")
    place.push(app).ok()
    assert names_in_git(place) == {app.id: name}


def test_renames_on_both_sides_are_settled_by_a_push(place, app):
    rename(place, app, "Here").ok()
    rename_in_git(place, {app.id: "There"})
    place.push(app, onConflict="ours").ok()
    assert names_in_git(place) == {app.id: "Here"}
    assert state_of(place, app) == "in_sync"


def test_the_same_rename_on_both_sides_is_none(place, app):
    rename(place, app, "Purchases").ok()
    rename_in_git(place, {app.id: "Purchases"})
    answer = place.client.pull(app.id).ok()
    assert answer["renames"] == []
    assert state_of(place, app) == "in_sync"


# Names that change hands, by a pull


@pytest.fixture
def three(place):
    return [place.pushed_app(name) for name in ("A", "B", "C")]


def all_names(place, apps):
    return [name_of(place, app) for app in apps]


def change_in_git(place, apps, names):
    rename_in_git(place, {app.id: name for app, name in zip(apps, names)})


@pytest.mark.parametrize("names", ["BA", "BCA", "CAB", "BCD"])
def test_names_that_changed_hands_are_pulled(place, three, names):
    apps = three[: len(names)]
    change_in_git(place, apps, names)
    answer = place.client.pull(apps[0].id).ok()
    assert {entry["appId"] for entry in answer["renames"]} == {app.id for app in apps}
    assert all_names(place, apps) == list(names)
    for app in apps:
        place.client.pull(app.id).ok()
        assert state_of(place, app) == "in_sync"
    assert place.client.push_all(place.id).ok()["summary"]["up_to_date"] == 3


@pytest.mark.parametrize("continues", [True, False])
def test_names_that_changed_hands_are_pulled_for_all(place, three, continues):
    change_in_git(place, three, "BCA")
    answer = place.client.pull_all(place.id, continueOnError=continues).ok()
    assert answer["summary"]["failed"] == 0
    assert all_names(place, three) == list("BCA")
    assert {state_of(place, app) for app in three} == {"in_sync"}


def test_a_dry_run_of_a_swap_changes_nothing(place, three):
    change_in_git(place, three[:2], "BA")
    with place.unchanged():
        answer = place.client.pull(three[0].id, dryRun="true").ok()
    assert {entry["appId"] for entry in answer["renames"]} == {app.id for app in three[:2]}


def test_a_holder_that_git_does_not_rename_is_in_the_way(place, three):
    rename(place, three[1], "Taken").ok()
    rename_in_git(place, {three[0].id: "Taken"})
    with place.unchanged():
        place.client.pull(three[0].id).refused(409, "app_already_exists")
    place.client.pull(three[0].id, onConflict="theirs").ok()
    assert all_names(place, three) == ["Taken", "B", "C"]


def test_a_holder_that_is_not_linked_is_in_the_way(place, app):
    place.new_app("Taken")
    rename_in_git(place, {app.id: "Taken"})
    with place.unchanged():
        place.client.pull(app.id).refused(409, "app_already_exists")


# Documents that were edited meanwhile


def test_an_edit_and_a_rename_travel_together(place, app):
    rename(place, app, "Purchases").ok()
    place.edit(app, with_text(app.document, "edited"))
    place.push(app, "Both").ok()
    assert place.repo.log(limit=1)[0].subject == "Both"
    assert names_in_git(place) == {app.id: "Purchases"}
    assert state_of(place, app) == "in_sync"


# Names that change hands, by a push


def rename_all(place, apps, names):
    for number, app in enumerate(apps):
        rename(place, app, f"meanwhile {number}").ok()
    for app, name in zip(apps, names):
        rename(place, app, name).ok()


@pytest.mark.parametrize("names", ["BA", "BCA", "CAB", "BCD"])
def test_names_that_changed_hands_are_pushed(place, three, names):
    apps = three[: len(names)]
    for app in three:
        note = f"{folders(place)[app.id]}/note.txt"
        place.repo.commit_files("main", {note: f"of {app.id}\n"}, "Note")
    rename_all(place, apps, names)
    commits = len(place.repo.log())
    plan_path = f"/api/ext/apps/{apps[0].id}/versions/{apps[0].version}/git-sync/push?dryRun=true"
    plan = place.client.send("POST", plan_path, {"commitMessage": "Look"}).ok()
    answer = place.push(apps[0], "Swap").ok()
    assert plan["files"] == answer["files"]
    assert not [path for path in str(answer["files"]).split("'") if "renamed-" in path]
    assert {entry["appId"]: entry["to"] for entry in answer["renames"]} == {
        app.id: name for app, name in zip(apps, names)
    }
    assert len(place.repo.log()) == commits + 1
    assert all_names_in_git(place, apps) == list(names)
    files = place.repo.files("main")
    assert not [path for path in files if "renamed-" in path]
    for app in three:
        note = f"{folders(place)[app.id]}/note.txt"
        assert place.repo.read_file(note).decode() == f"of {app.id}\n"
        assert state_of(place, app) == "in_sync"
        assert place.push(app).ok()["status"] == "up_to_date"
        assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    assert place.repo.fsck() == ""


def all_names_in_git(place, apps):
    names = names_in_git(place)
    return [names[app.id] for app in apps]


def test_what_makes_way_keeps_its_document(place, three):
    rename_all(place, three[:2], "BA")
    place.edit(three[1], with_text(three[1].document, "not pushed yet"))
    place.push(three[0]).ok()
    assert b"not pushed yet" not in place.repo.read_file(document_path(place, three[1]))
    assert state_of(place, three[1]) == "ahead"
    place.push(three[1]).ok()
    assert all_names_in_git(place, three[:2]) == ["B", "A"]
    assert {state_of(place, app) for app in three} == {"in_sync"}


@pytest.mark.parametrize("per_app", [True, False])
@pytest.mark.parametrize("names", ["BAC", "BCA"])
def test_names_that_changed_hands_are_pushed_for_all(place, three, names, per_app):
    rename_all(place, three, names)
    place.edit(three[1], with_text(three[1].document, "edited as well"))
    commits = len(place.repo.log())
    answer = place.client.push_all(place.id, commitPerApp=per_app).ok()
    assert answer["summary"]["failed"] == 0
    assert len(place.repo.log()) == commits + (2 if per_app else 1)
    assert all_names_in_git(place, three) == list(names)
    assert {state_of(place, app) for app in three} == {"in_sync"}
    assert place.client.push_all(place.id).ok()["summary"]["up_to_date"] == 3
    assert place.repo.fsck() == ""


def test_a_new_app_gets_a_name_that_was_given_up(place, app):
    rename(place, app, "Purchases").ok()
    newer = place.new_app("Orders")
    answer = place.push(newer).ok()
    assert [entry["appId"] for entry in answer["renames"]] == [app.id]
    assert names_in_git(place) == {app.id: "Purchases", newer.id: "Orders"}
    assert {state_of(place, one) for one in (app, newer)} == {"in_sync"}


def test_a_holder_that_was_renamed_in_git_does_not_make_way(place, three):
    rename_in_git(place, {three[1].id: "Taken"})
    rename(place, three[0], "Taken").ok()
    with place.unchanged():
        place.push(three[0]).refused(409, "app_name_taken")


def test_a_line_whose_last_cannot_move(place, three, make_place):
    make_place(place.repo).pushed_app("Theirs")
    rename_all(place, three[:2], ["B", "Theirs"])
    with place.unchanged():
        place.push(three[0]).refused(409, "app_name_taken")


def test_a_swap_here_of_what_was_swapped_in_git(place, three):
    change_in_git(place, three[:2], "BA")
    with place.unchanged():
        place.push(three[0]).refused(409, "merge_conflict")
    place.push(three[0], onConflict="ours").ok()
    assert all_names_in_git(place, three) == list("ABC")
