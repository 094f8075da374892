# SPDX-License-Identifier: Apache-2.0
"""Names of apps and versions, and commit messages: what git can hold is taken as it is."""

import pytest
from make_app import app_v2_of
from place import META, new_document, unique, with_text

MESSAGE_MAX = 65536


@pytest.fixture
def workspace(client):
    return client.create_workspace(unique("workspace")).ok(201)["id"]


# Names of apps and versions

BAD_NAMES = (
    "..",
    ".",
    ".git",
    ".GIT",
    ".Git ",
    "git~1",
    "a/b",
    "/",
    "a\nb",
    "a\0b",
    "\x7f",
    ".meta",
)
GOOD_NAMES = ("The end.", "...", "Größe 大きさ 🚲", " - ", "back\\slash", "x" * 255, "CON", "a.git")


@pytest.mark.parametrize("name", (*BAD_NAMES, "", " ", "x" * 256, "ü" * 150))
def test_a_name_that_cannot_be_a_folder_is_refused(client, workspace, name):
    as_override = client.import_app(workspace, new_document("Fine"), appName=name)
    as_itself = client.import_app(workspace, new_document(name))
    for answer in (as_itself, as_override):
        assert answer.json["code"] in ("invalid_name", "invalid_input", "not_an_app")
        assert answer.status in (400, 422) and answer.refused(answer.status, answer.json["code"])
    assert client.apps(workspace).ok() == []


def test_odd_names_are_folders_in_git(place):
    for name in GOOD_NAMES:
        app = place.pushed_app(name, components=1, queries=0, events=0)
        assert place.repo.read_file(f"{name}/v1.json") == app.bytes
    assert place.repo.fsck() == ""


def test_names_that_differ_in_case_live_side_by_side(place):
    apps = [place.pushed_app(name) for name in ("Readme", "README", "readme")]
    for app, name in zip(apps, ("Readme", "README", "readme")):
        assert place.repo.read_file(f"{name}/v1.json") == app.bytes
        assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    place.edit(apps[1], with_text(apps[1].document, "changed"))
    assert place.push(apps[1]).ok()["files"]["modified"] == [META, "README/v1.json"]
    assert place.repo.read_file("Readme/v1.json") == apps[0].bytes


@pytest.mark.parametrize("name", ("", "..", ".git", "a/b", "v\n1", "x" * 251))
def test_a_version_name_that_cannot_be_a_file_is_refused(client, workspace, name):
    answer = client.import_app(workspace, new_document("Orders", name))
    assert answer.status in (400, 422) and answer.refused(answer.status, answer.json["code"])
    app = client.import_app(workspace, new_document("Sales")).ok(201)
    renamed = new_document("Sales")
    app_v2_of(renamed)["appVersions"][0]["name"] = name
    answer = client.put_version(app["id"], app["versions"][0]["id"], renamed)
    assert answer.status in (400, 422) and answer.refused(answer.status, answer.json["code"])


@pytest.mark.parametrize("name", ("v1.9.7", "1", "v 1 (final)", "größer", ".json", "x" * 250))
def test_odd_version_names_are_files_in_git(place, name):
    app = place.pushed_app("Orders", name)
    assert place.repo.read_file(f"Orders/{name}.json") == app.bytes


# Commit messages


@pytest.mark.parametrize(
    "message",
    [
        "-m",
        "--amend",
        "# not a comment",
        "Grüße 大きさ 🚲",
        "Subject\n\nA body\n# with a line\n\n\nand more",
        " leading and trailing blanks ",
        "ends in a line feed\n",
        "a\r\nb",
        "\n\n",
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor x",
        "x" * MESSAGE_MAX,
        "ü" * (MESSAGE_MAX // 2),
    ],
)
def test_a_message_is_the_callers_to_the_byte(place, message):
    commit = place.push(place.new_app(), message).ok()["commit"]
    raw = place.repo.git("cat-file", "commit", commit["sha"]).split(b"\n\n", 1)[1]
    wanted = message.encode()
    assert raw == (wanted if wanted.endswith(b"\n") else wanted + b"\n")
    (entry,) = place.meta().values()
    assert entry["lastCommitMessage"] == message
    assert place.repo.fsck() == ""


@pytest.mark.parametrize(
    "message", ["", None, 7, ["x"], "a\0b", "x" * (MESSAGE_MAX + 1), "ü" * (MESSAGE_MAX // 2 + 1)]
)
def test_a_message_that_cannot_be_is_refused(place, message):
    app = place.new_app()
    with place.unchanged():
        error = place.push(app, message).refused(400, "invalid_input")
    assert "commitMessage" in error["message"]
