# SPDX-License-Identifier: Apache-2.0
"""The mirrors on disk: what damages them costs no call, what a killed process left is swept away, and they do not grow for ever."""

import shutil

import pytest
from place import with_text

FILES = {f"folder{number // 20}/file{number}.txt": f"{number}\n" for number in range(200)}


@pytest.fixture
def make_place(make_repo, place_on):
    return lambda daemon, files=FILES: place_on(daemon, make_repo(files=files))


def mirrors(daemon):
    return sorted((daemon.data / "mirrors").glob("*.git"))


def packs(mirror):
    return sorted((mirror / "objects" / "pack").glob("*.pack"))


def loose(mirror):
    return [path for path in (mirror / "objects").glob("??/*") if path.parent.name != "pack"]


def cut(path):
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[: len(content) // 2])


def overwrite(path):
    """In place, because a file that is mapped into memory must keep its length."""
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(b"\x00garbage" * 20)


def each(files, action):
    def damage(mirror):
        found = files(mirror)
        assert found
        for path in found:
            action(path)

    return damage


def make_a_file(mirror):
    shutil.rmtree(mirror)
    mirror.write_text("not a folder")


DAMAGES = {
    "pack-cut": each(packs, cut),
    "pack-overwritten": each(packs, overwrite),
    "pack-gone": each(packs, lambda path: path.unlink()),
    "index-cut": each(packs, lambda path: cut(path.with_suffix(".idx"))),
    "index-gone": each(packs, lambda path: path.with_suffix(".idx").unlink()),
    "loose-cut": each(loose, cut),
    "loose-empty": each(loose, lambda path: path.write_bytes(b"")),
    "loose-overwritten": each(loose, overwrite),
    "loose-gone": each(loose, lambda path: path.unlink()),
    "objects-gone": lambda mirror: shutil.rmtree(mirror / "objects"),
    "head-gone": lambda mirror: (mirror / "HEAD").unlink(),
    "head-overwritten": lambda mirror: overwrite(mirror / "HEAD"),
    "config-overwritten": lambda mirror: overwrite(mirror / "config"),
    "refs-overwritten": lambda mirror: overwrite(mirror / "packed-refs"),
    "refs-gone": lambda mirror: (mirror / "packed-refs").unlink(),
    "all-gone": shutil.rmtree,
    "a-file": make_a_file,
}


# A file that is mapped into memory cannot lose its end without ending the process, so nobody does that to a running server.
RUNNING = {name: damage for name, damage in DAMAGES.items() if name not in ("pack-cut", "index-cut")}
CASES = [(name, True) for name in DAMAGES] + [(name, False) for name in RUNNING]


@pytest.mark.parametrize("name, restarted", CASES)
def test_a_damaged_mirror_costs_no_call(start, make_place, name, restarted):
    daemon = start()
    place = make_place(daemon)
    app, other = place.pushed_app("Orders"), place.pushed_app("Invoices")
    if restarted:
        daemon.stop()
    DAMAGES[name](mirrors(daemon)[0])
    if restarted:
        daemon.start()
    place.edit(app, with_text(app.document, "edited"))
    assert place.push(app, "On a damaged mirror").ok()["status"] == "pushed"
    place.commit_document(other, with_text(other.document, "changed in git"))
    assert place.client.pull(other.id).ok()["status"] == "updated"
    assert place.exported(other) == place.repo.read_file("Invoices/v1.json")
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert len(place.repo.log()) == 5 and place.repo.fsck() == ""


@pytest.mark.parametrize("damage", RUNNING.values(), ids=RUNNING)
def test_a_pull_from_a_damaged_mirror(start, make_place, damage):
    daemon = start()
    place = make_place(daemon)
    app = place.pushed_app()
    damage(mirrors(daemon)[0])
    assert place.client.pull(app.id).ok()["status"] == "up_to_date"
    place.commit_document(app, with_text(app.document, "changed in git"))
    assert place.client.pull(app.id).ok()["status"] == "updated"
    assert place.exported(app) == place.repo.read_file("Orders/v1.json")


@pytest.mark.parametrize("name", ["pack-gone", "loose-gone", "all-gone", "a-file"])
def test_a_configuration_on_a_damaged_mirror(start, make_place, name):
    daemon = start()
    place = make_place(daemon)
    app = place.pushed_app()
    DAMAGES[name](mirrors(daemon)[0])
    assert place.configure().ok(201)["branchHead"] == place.repo.head()
    assert place.push(app, "Again").ok()["status"] == "up_to_date"
