# SPDX-License-Identifier: Apache-2.0
"""Pushes that wait for their turn have their documents made ready; what goes into git is what is there when the turn comes."""

import pytest
from keyed import Background, open_operation, until
from place import with_text


@pytest.fixture
def place(faulty):
    return faulty


def waiting_push(place, app):
    """A push of the app behind another one that the host holds on its way; both, and what is to be let go."""
    first = place.new_app("First")
    held = place.hold_post()
    before = Background(lambda: place.push(first))
    open_operation(place, "pushing")
    push = Background(lambda: place.push(app))
    until(lambda: place.client.operations(appId=app.id, state="queued").ok()["data"])
    return before, push, held


def test_the_document_of_a_push_that_waited(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "made ready"))
    *calls, held = waiting_push(place, app)
    place.let_go(held)
    for call in calls:
        assert call.wait().ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""


def test_an_edit_while_the_push_waits(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "made ready"))
    before, push, held = waiting_push(place, app)
    place.edit(app, with_text(app.document, "newer"))
    place.let_go(held)
    assert before.wait().ok()["status"] == push.wait().ok()["status"] == "pushed"
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.repo.fsck() == ""


def test_an_app_that_is_deleted_while_its_push_waits(place):
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "made ready"))
    before, push, held = waiting_push(place, app)
    head_before = place.repo.read_file("Orders/v1.json")
    place.client.delete_app(app.id).ok(204)
    place.let_go(held)
    assert before.wait().ok()["status"] == "pushed"
    push.wait().refused(400, "app_not_found")
    assert place.repo.read_file("Orders/v1.json") == head_before
