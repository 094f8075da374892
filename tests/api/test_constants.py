# SPDX-License-Identifier: Apache-2.0
"""Constants and secrets that documents refer to: which an organization has, and which it lacks."""

import uuid

import pytest
from client import path_of
from keyed import is_replayed, keyed, new_key
from place import new_document, with_text

SECRET = "hunter2-correct-horse"
TEXT = "{{constants.API_URL}} {{secrets.API_KEY}} {{constants.API_URL}} {{secrets['OLD KEY']}}"


def constant(name, **values):
    return {"name": name, "kind": "constant", "values": values}


def secret(name, *environments):
    return {"name": name, "kind": "secret", "environments": list(environments)}


def need(kind, name, present, *environments):
    return {"kind": kind, "name": name, "present": present, "environments": list(environments)}


@pytest.fixture
def needy(place):
    """An app in git that needs a constant and two secrets."""
    app = place.import_app(with_text(new_document(), TEXT))
    place.push(app).ok()
    return app


# Telling what there is


def test_an_organization_starts_without(place):
    assert place.client.constants(place.id).ok() == {"constants": []}


def test_what_was_told_is_given_back_in_order(place):
    told = [
        secret("TOKEN", "development"),
        constant("B", production="2", development="1"),
        constant("A", staging=""),
        secret("A", "production", "development"),
    ]
    kept = [
        constant("A", staging=""),
        constant("B", development="1", production="2"),
        secret("A", "development", "production"),
        secret("TOKEN", "development"),
    ]
    assert place.client.put_constants(place.id, *told).ok() == {"constants": kept}
    assert place.client.constants(place.id).ok() == {"constants": kept}
    answer = place.client.constants(place.id).ok()["constants"]
    assert list(answer[1]["values"]) == ["development", "production"]


def test_they_are_replaced_as_a_whole(place):
    place.client.put_constants(place.id, constant("A", staging="1"), secret("B")).ok()
    place.client.put_constants(place.id, constant("C", staging="1")).ok()
    kept = place.client.constants(place.id).ok()["constants"]
    assert [one["name"] for one in kept] == ["C"]
    assert place.client.put_constants(place.id).ok() == {"constants": []}


def test_a_call_with_a_key_is_answered_once(place):
    key, path = new_key(), path_of("organization", place.id, "constants")
    told = {"constants": [constant("A", staging="1")]}
    first = keyed(place.client, key, "PUT", path, told).ok()
    place.client.put_constants(place.id).ok()
    again = keyed(place.client, key, "PUT", path, told)
    assert is_replayed(again)
    assert again.ok() == first
    assert place.client.constants(place.id).ok() == {"constants": []}


def test_a_secret_is_everywhere_unless_told_where(place):
    place.client.put_constants(place.id, {"name": "A", "kind": "secret"}).ok()
    kept = place.client.constants(place.id).ok()["constants"]
    assert kept == [secret("A", "development", "staging", "production")]


def test_each_organization_has_its_own(place, make_place):
    place.client.put_constants(place.id, constant("A", staging="1")).ok()
    assert make_place(configured=False).client.constants(make_place(configured=False).id).ok() == {
        "constants": []
    }


def test_the_value_of_a_secret_is_refused_and_not_repeated(place, server):
    place.client.put_constants(place.id, constant("A", staging="1")).ok()
    for members in ({"values": {"development": SECRET}}, {"value": SECRET}):
        answer = place.client.put_constants(place.id, {"name": "K", "kind": "secret"} | members)
        error = answer.refused(400, "invalid_input")
        assert "only the name of a secret is kept" in error["message"]
        assert error["details"][0]["field"] == "/constants/0/values"
        assert SECRET.encode() not in answer.body
    assert SECRET not in server.log(0)
    assert len(place.client.constants(place.id).ok()["constants"]) == 1


@pytest.mark.parametrize(
    ("one", "field"),
    [
        ({}, "name"),
        ("A", "name"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "A\u0001", "values": {"staging": ""}}, "name"),
        ({"name": "A" * 256, "values": {"staging": ""}}, "name"),
        ({"name": "A", "kind": "Secret"}, "kind"),
        ({"name": "A"}, "values"),
        ({"name": "A", "values": {}}, "values"),
        ({"name": "A", "values": "x"}, "values"),
        ({"name": "A", "values": {"staging": 1}}, "values"),
        ({"name": "A", "values": {"staging": None}}, "values"),
        ({"name": "A", "values": {"stagging": "x"}}, "values"),
        ({"name": "A", "values": {"staging": "\u0000"}}, "values"),
        ({"name": "A", "values": {"staging": "x" * 65537}}, "values"),
        ({"name": "A", "values": {"staging": "x"}, "environments": []}, "environments"),
        ({"name": "A", "kind": "secret", "environments": "staging"}, "environments"),
        ({"name": "A", "kind": "secret", "environments": [7]}, "environments"),
    ],
)
def test_what_is_wrong_is_told(place, one, field):
    error = place.client.put_constants(place.id, constant("fine", staging="1"), one).refused(
        400, "invalid_input"
    )
    assert f"/constants/1/{field}" in [detail["field"] for detail in error["details"]]
    assert place.client.constants(place.id).ok() == {"constants": []}


def test_a_name_is_there_once_of_each_kind(place):
    place.client.put_constants(place.id, constant("A", staging="1"), secret("A")).ok()
    twice = constant("A", staging="1")
    place.client.put_constants(place.id, twice, twice).refused(400, "invalid_input")


@pytest.mark.parametrize("body", [{}, {"constants": None}, {"constants": {}}])
def test_a_body_without_a_list_is_refused(place, body):
    path = path_of("organization", place.id, "constants")
    place.client.send("PUT", path, body).refused(400, "invalid_input")


def test_there_are_limits(place):
    put = place.client.put_constants
    most = [constant(f"C{i}", development="") for i in range(1000)]
    assert len(put(place.id, *most).ok()["constants"]) == 1000
    put(place.id, *most, secret("one more")).refused(400, "invalid_input")
    large = [constant(f"C{i}", development="x" * 65536) for i in range(17)]
    error = put(place.id, *large).refused(400, "invalid_input")
    assert "together" in error["message"]
    wrong = {"name": "A", "values": {f"e{i}": "" for i in range(100_000)}}
    assert len(put(place.id, wrong).refused(400, "invalid_input")["details"]) <= 200


def test_an_unknown_organization(client):
    client.constants(str(uuid.uuid4())).refused(400, "unknown_organization")
    client.put_constants(str(uuid.uuid4())).refused(400, "unknown_organization")


# Telling what a document needs


def test_a_creation_tells_what_the_organization_lacks(place, make_place, needy):
    other = make_place(place.repo)
    other.client.put_constants(
        other.id,
        constant("API_URL", development="http://x", production="http://y"),
        secret("API_KEY", "production"),
    ).ok()
    made = other.client.create(other.id, gitAppId=needy.id, gitVersionId="main").ok(201)
    assert made["requires"] == [
        need("constant", "API_URL", True, "development", "production"),
        need("secret", "API_KEY", False, "production"),
        need("secret", "OLD KEY", False),
    ]


def test_a_pull_tells_of_the_environment_that_the_version_is_in(place, needy):
    lacking = [need("constant", "API_URL", False), need("secret", "API_KEY", False)]
    assert place.client.pull(needy.id).ok()["requires"][:2] == lacking
    place.client.put_constants(place.id, secret("API_KEY", "development")).ok()
    answer = place.client.pull(needy.id, dryRun="true").ok()
    assert answer["requires"][1] == need("secret", "API_KEY", True, "development")


def test_a_promotion_tells_what_production_lacks_and_goes_on(place, needy):
    place.client.put_constants(
        place.id,
        constant("API_URL", development="http://x"),
        secret("API_KEY", "development", "production"),
    ).ok()
    expected = [
        need("constant", "API_URL", False, "development"),
        need("secret", "API_KEY", True, "development", "production"),
        need("secret", "OLD KEY", False),
    ]
    for _ in range(2):
        answer = place.client.promote(needy.id).ok()
        assert answer["requires"] == expected
        assert answer["version"]["environment"] == "production"
    answer = place.client.release(needy.id, {"versionId": needy.version}).ok(201)
    assert answer["requires"] == expected


def test_a_promotion_tells_of_what_is_released_and_not_of_what_git_holds(place, needy):
    place.edit(needy, with_text(needy.document, "{{constants.LOCAL}}"))
    assert place.client.promote(needy.id).ok()["requires"] == [need("constant", "LOCAL", False)]


def test_what_needs_nothing_says_so(place):
    app = place.pushed_app()
    assert place.client.pull(app.id).ok()["requires"] == []
