# SPDX-License-Identifier: Apache-2.0
"""What one organization pushes another one pulls as it was, whatever is in the documents."""

import uuid
from copy import deepcopy

import pytest
from drawn_apps import app_of, edited, edits, importable
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsbytes import to_js_bytes
from place import unique

# The lists that the per-entity layout keeps as files, as docs/layouts.md has them in a document.
LISTS = (
    "components pages events dataQueries dataSources appVersions appEnvironments "
    "dataSourceOptions dataQueryFolders dataQueryFolderMappings"
).split()
# Without shrinking: with a server behind each try that takes minutes.
some = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)


@pytest.fixture(params=["single-file", "per-entity"])
def layout(request):
    return request.param


@pytest.fixture
def pair(make_repo, make_place, layout):
    """Two organizations on one repository, which is sound in the end."""
    repo = make_repo()
    yield make_place(repo, layout=layout), make_place(repo, layout=layout)
    assert repo.fsck() == ""


def in_git(document, layout):
    """The bytes that come back: a file per entity keeps no order of lists, and none around them."""
    if layout == "single-file":
        return to_js_bytes(document)
    document = deepcopy(document)
    app = app_of(document)
    apart = {"schemaDetails": app.pop("schemaDetails")}
    lists = {name: app.pop(name, []) for name in LISTS}
    for entities in lists.values():
        entities.sort(key=lambda entity: f"{entity['id']}.json".encode())
    document["app"][0]["definition"]["appV2"] = app | lists | apart
    return to_js_bytes(document)


@some
@given(data=st.data())
def test_a_pull_after_a_push_is_the_identity(pair, layout, data):
    here, there = pair
    documents = importable(str(uuid.uuid4()), str(uuid.uuid4()), unique("App"))
    app = here.import_app(data.draw(documents))
    assert here.push(app).ok()["status"] == "pushed"
    created = there.client.create(there.id, gitAppId=app.id, gitVersionId="main").ok(201)["id"]
    compare(here, there, app, created, layout)
    by_member = edited(app.document, data.draw(edits(app.document)))
    for changed in (by_member, data.draw(documents)):
        differs = in_git(changed, layout) != in_git(app.document, layout)
        here.edit(app, changed)
        assert here.push(app).ok()["status"] == ("pushed" if differs else "up_to_date")
        pulled = there.client.pull(created, maxDeletions=1000).ok()["status"]
        assert pulled == ("updated" if differs else "up_to_date")
        compare(here, there, app, created, layout)


def compare(here, there, app, created, layout):
    """Both have what was pushed, and pulling once more changes neither."""
    for _ in range(2):
        expected = in_git(app.document, layout)
        assert here.exported(app) == there.client.export(there.id, created).body == expected
        for place, app_id in ((here, app.id), (there, created)):
            assert place.client.pull(app_id).ok()["status"] == "up_to_date"
