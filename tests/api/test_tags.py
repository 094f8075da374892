# SPDX-License-Identifier: Apache-2.0
"""Tags: saved versions get one in git where the organization wants that, and calls read every spelling of them."""

import pytest
from client import path_of
from keyed import is_replayed, keyed, new_key
from make_app import app_v2_of
from place import as_version, new_document, path_in_git, with_text


@pytest.fixture(autouse=True)
def without_faults(host):
    yield
    host.clear_faults()


@pytest.fixture
def tagging(make_place):
    return make_place(tag=True)


@pytest.fixture
def faulty(server, faulty_on):
    return faulty_on(server, tag=True)


def saved(place, app, **members):
    """The answer to saving the app, which works whatever becomes of the tag."""
    answer = place.client.save(app.id, **members).ok(201)
    assert answer["status"] == "PUBLISHED"
    return answer


def read_tag(repo, name):
    """The lines of an annotated tag."""
    return repo.text("cat-file", "tag", f"refs/tags/{name}").splitlines()


def draft(name="Orders", version="v1"):
    document = new_document(name, version)
    app_v2_of(document)["appVersions"][0]["status"] = "DRAFT"
    return document


@pytest.fixture
def app(tagging):
    app = tagging.import_app(draft())
    tagging.push(app).ok()
    return app


# Making them


def test_tags_are_off_by_default(place):
    assert place.client.git_config(place.id).ok()["tag"] is False
    app = place.import_app(draft())
    place.push(app).ok()
    commits = len(place.repo.log())
    answer = saved(place, app)
    assert "tag" not in answer
    assert (place.repo.tags(), len(place.repo.log())) == ({}, commits)


def test_tagging_is_part_of_the_configuration(place):
    assert place.configure(tag=True).ok(201)["tag"] is True
    assert place.client.git_config(place.id).ok()["tag"] is True
    place.configure(tag="yes").refused(400, "invalid_input")


def test_saving_pushes_the_version_and_tags_its_commit(tagging, app):
    answer = saved(tagging, app)
    name, head = f"{app.id}/v1", tagging.repo.head()
    assert answer["tag"] == {"name": name, "status": "created", "commit": head}
    assert answer["commit"]["sha"] == head
    assert tagging.repo.tags() == {name: head}
    assert tagging.repo.log()[0].subject == "Version v1 Created of app Orders"
    lines = read_tag(tagging.repo, name)
    assert lines[:3] == [f"object {head}", "type commit", f"tag {name}"]
    assert lines[3].startswith("tagger ")
    assert lines[5] == "Version v1 created"
    assert tagging.repo.fsck() == ""
    operation = tagging.client.operation(answer["operationId"]).ok()
    assert operation["state"] == "done"
    assert operation["result"]["tag"]["status"] == "created"
    # The tag holds what was saved.
    exported = tagging.exported(app)
    assert tagging.repo.read_file("Orders/v1.json", name) == exported


def test_the_tag_has_the_name_that_was_given(tagging, app):
    assert saved(tagging, app, name="v1.2")["tag"]["name"] == f"{app.id}/v1.2"
    assert list(tagging.repo.tags()) == [f"{app.id}/v1.2"]


def test_branch_and_tag_travel_in_exchanges_of_their_own(tagging, app):
    before = len(tagging.exchanges())
    saved(tagging, app)
    made = [entry for entry in tagging.exchanges()[before:] if entry[0] == "POST"]
    assert [service for _, service, _ in made] == ["git-receive-pack"] * 2


def test_pushing_again_makes_no_second_tag(tagging, app):
    saved(tagging, app)
    tags = tagging.repo.tags()
    answer = tagging.push(app).ok()
    assert (answer["status"], "tag" in answer) == ("up_to_date", False)
    assert tagging.repo.tags() == tags
    tagging.client.save(app.id).refused(409, "already_saved")


def test_a_draft_gets_no_tag(tagging, app):
    tagging.edit(app, with_text(app.document, "edited"))
    assert "tag" not in tagging.push(app).ok()
    assert tagging.repo.tags() == {}


def test_an_app_that_is_not_in_git_is_tagged_by_its_first_push(tagging):
    app = tagging.import_app(draft())
    tag = saved(tagging, app)["tag"]
    assert (tag["status"], tag["error"]["code"]) == ("pending", "app_not_linked")
    answer = tagging.push(app).ok()
    assert answer["tag"] == {
        "name": f"{app.id}/v1",
        "status": "created",
        "commit": answer["commit"]["sha"],
    }


@pytest.mark.parametrize("message", [None, "By somebody else"])
def test_an_existing_tag_of_the_same_commit_is_success(tagging, message):
    app = tagging.import_app(draft())
    assert saved(tagging, app)["tag"]["status"] == "pending"
    tagging.configure(tag=None).ok(201)
    head = tagging.push(app).ok()["commit"]["sha"]
    tagging.repo.tag(f"{app.id}/v1", head, message)
    tagging.repo.commit_files("main", {"else.txt": "x"}, "Something else")
    tagging.configure().ok(201)
    answer = tagging.push(app).ok()
    assert answer["tag"] == {"name": f"{app.id}/v1", "status": "exists", "commit": head}
    assert tagging.repo.tags() == {f"{app.id}/v1": head}
    assert "tag" not in tagging.push(app).ok()


@pytest.mark.parametrize("message", [None, "By somebody else"])
def test_an_existing_tag_of_another_commit_is_told_and_undoes_nothing(tagging, app, message):
    first = tagging.repo.log()[-1].sha
    tagging.repo.tag(f"{app.id}/v1", first, message)
    answer = saved(tagging, app)
    assert answer["tag"]["status"] == "failed"
    assert answer["tag"]["error"]["code"] == "tag_exists"
    assert first[:12] in answer["tag"]["error"]["message"]
    assert tagging.repo.tags() == {f"{app.id}/v1": first}
    # The push has worked, and so has the save; once the tag is out of the way, either makes it.
    assert tagging.repo.read_file("Orders/v1.json") == tagging.exported(app)
    assert tagging.push(app).ok()["tag"]["status"] == "failed"
    tagging.repo.git("update-ref", "-d", f"refs/tags/{app.id}/v1")
    assert saved(tagging, app)["tag"]["status"] == "created"
    tagging.client.save(app.id).refused(409, "already_saved")


def test_a_name_that_no_tag_can_have_is_told(tagging):
    app = tagging.import_app(draft(version="v 1"))
    tagging.push(app).ok()
    tag = saved(tagging, app)["tag"]
    assert (tag["status"], tag["error"]["code"]) == ("failed", "invalid_name")


def test_a_host_that_refuses_tags_is_told(tagging, app):
    tagging.repo.protect(f"refs/tags/{app.id}/v1")
    tag = saved(tagging, app)["tag"]
    assert (tag["status"], tag["error"]["code"]) == ("failed", "push_rejected")
    assert tagging.repo.read_file("Orders/v1.json") == tagging.exported(app)
    tagging.repo.protect(f"refs/tags/{app.id}/v1", False)
    assert tagging.push(app).ok()["tag"]["status"] == "created"


def test_a_save_whose_push_is_refused_is_a_save(tagging, app):
    tagging.commit_document(app, with_text(app.document, "theirs"))
    answer = saved(tagging, app)
    assert (answer["tag"]["status"], answer["tag"]["error"]["code"]) == (
        "pending",
        "merge_conflict",
    )
    operation = tagging.client.operation(answer["tag"]["operationId"]).ok()
    assert (operation["state"], operation["error"]["code"]) == ("failed", "merge_conflict")
    assert tagging.repo.tags() == {}
    tag = tagging.push(app, onConflict="ours").ok()["tag"]
    assert tag["status"] == "created"


def test_a_name_of_another_version_is_refused_before_anything(tagging, app):
    with tagging.unchanged():
        tagging.client.save(app.id, name="v 1").refused(400, "version_name_invalid")


def test_a_save_with_a_key_is_answered_once(tagging, app):
    key, path = new_key(), path_of("apps", app.id, "versions", "save")
    first = keyed(tagging.client, key, "POST", path, {"name": "v3"})
    assert first.ok(201)["tag"]["status"] == "created"
    again = keyed(tagging.client, key, "POST", path, {"name": "v3"})
    assert is_replayed(again)
    assert again.ok(201) == first.json
    assert len(tagging.repo.tags()) == 1


def test_all_apps_are_tagged_by_a_push_of_all(tagging):
    apps = [tagging.import_app(draft(name)) for name in ("One", "Two")]
    for app in apps:
        assert saved(tagging, app)["tag"]["status"] == "pending"
    for part in tagging.client.push_all(tagging.id).ok()["data"]:
        assert part["tag"]["status"] == "created"
        assert part["tag"]["commit"] == part["commit"]["sha"]
    assert set(tagging.repo.tags()) == {f"{app.id}/v1" for app in apps}


def test_the_per_entity_layout(make_place):
    place = make_place(tag=True, layout="per-entity")
    app = place.import_app(draft())
    place.push(app).ok()
    tag = saved(place, app)["tag"]
    assert (tag["status"], tag["commit"]) == ("created", place.repo.head())
    assert place.repo.tags() == {f"{app.id}/v1": place.repo.head()}


# A host that fails between branch and tag


@pytest.mark.parametrize("action", ["drop", "reset"])
def test_a_tag_that_could_not_travel_is_made_later(faulty, action):
    app = faulty.import_app(draft())
    faulty.push(app).ok()
    faulty.post_fault(action, skip=1, times=1)
    answer = saved(faulty, app)
    assert faulty.repo.read_file("Orders/v1.json") == faulty.exported(app)
    if answer["tag"]["status"] != "created":
        assert answer["tag"]["status"] == "pending"
        assert answer["operationId"]
        assert faulty.push(app).ok()["tag"]["status"] in ("created", "exists")
    assert faulty.repo.tags() == {f"{app.id}/v1": faulty.repo.head()}


def test_a_tag_whose_answer_was_lost_is_found(faulty):
    app = faulty.import_app(draft())
    faulty.push(app).ok()
    faulty.post_fault("cut", skip=1, times=1, after_response_bytes=0)
    answer = saved(faulty, app)
    assert answer["tag"]["status"] == "exists"
    assert faulty.repo.tags() == {f"{app.id}/v1": faulty.repo.head()}


def test_a_save_works_while_the_host_is_down(faulty):
    app = faulty.import_app(draft())
    faulty.push(app).ok()
    faulty.git_fault("respond", status=404)
    answer = saved(faulty, app)
    assert answer["tag"]["status"] == "pending"
    assert answer["tag"]["error"]["message"]
    assert faulty.client.operation(answer["tag"]["operationId"]).ok()["state"] == "failed"
    faulty.host.clear_faults()
    assert saved(faulty, app)["tag"]["status"] == "created"


# Reading them


@pytest.fixture
def versions(place):
    """An app at v1.1 and, on the branch, at v2; the commit of each."""
    app = place.new_app(version="v1.1")
    first = place.push(app).ok()["commit"]["sha"]
    place.commit_document(app, as_version(app.document, "v2"))
    return app, first


@pytest.mark.parametrize("message", [None, "Version v1.1 created"])
@pytest.mark.parametrize(
    ("tag", "asked"),
    [
        ("v1.1", "v1.1"),
        ("v1-1", "v1-1"),
        ("v1-1", "v1.1"),
        ("v1.1", "v1-1"),
    ],
)
def test_every_spelling_of_a_tag_is_read(place, make_place, versions, message, tag, asked):
    app, first = versions
    place.repo.tag(f"{app.id}/{tag}", first, message)
    ref = f"{app.id}/{asked}"
    other = make_place(place.repo)
    made = other.client.create(other.id, gitAppId=app.id, gitVersionId=ref).ok(201)
    assert made["version"]["name"] == "v1.1"
    assert made["git"] == {"appId": app.id, "branch": None, "commit": first}
    assert other.exported(type(app)(made["id"], None, None)) == app.bytes
    assert other.client.pull(made["id"], ref=ref).ok()["status"] == "up_to_date"
    assert other.client.pull(made["id"], ref=f"refs/tags/{app.id}/{tag}").ok()
    assert other.client.promote(made["id"]).ok()["version"]["name"] == "v2"


def test_an_older_tag_with_a_slug_is_read(place, make_place, versions):
    app, first = versions
    place.repo.tag("orders/v1-1", first, "old")
    other = make_place(place.repo)
    made = other.client.create(other.id, gitAppId=app.id, gitVersionId="orders/v1.1").ok(201)
    assert made["git"]["commit"] == first


def test_a_spelling_that_could_mean_two_tags_is_refused(place, make_place, versions):
    app, first = versions
    place.repo.tag(f"{app.id}/v1-1.1", first)
    place.repo.tag(f"{app.id}/v1.1-1", first)
    other = make_place(place.repo)
    create = other.client.create
    create(other.id, gitAppId=app.id, gitVersionId=f"{app.id}/v1.1.1").refused(400, "invalid_ref")
    create(other.id, gitAppId=app.id, gitVersionId=f"{app.id}/v1-1.1").ok(201)


def test_dots_before_the_version_are_no_dashes(place, make_place, versions):
    app, first = versions
    place.repo.tag("my.app/v1", first)
    other = make_place(place.repo)
    create = other.client.create
    create(other.id, gitAppId=app.id, gitVersionId="my-app/v1").refused(400, "invalid_ref")


def test_what_was_tagged_here_is_created_elsewhere(tagging, app, make_place):
    name = saved(tagging, app, name="v1.5")["tag"]["name"]
    tagging.repo.commit_files("main", {path_in_git(tagging.meta()[app.id]): None}, "Gone")
    other = make_place(tagging.repo)
    made = other.client.create(other.id, gitAppId=app.id, gitVersionId=name).ok(201)
    assert made["version"] | {"name": "v1.5", "status": "PUBLISHED"} == made["version"]
