# SPDX-License-Identifier: Apache-2.0
"""The mirrors do not grow for ever: packed by themselves, bounded in all, and never removed from under a call."""

import http.client
import random
import subprocess
import threading
import time
from pathlib import Path

from client import Client, path_of
from place import with_text

PASS_SECONDS = 60  # the mirrors are looked at every five


def mirrors(client):
    return client.send("GET", path_of("mirrors")).ok()


def collect(client):
    return client.send("POST", path_of("mirrors", "gc")).ok()


def mirror_of(place):
    return next(m for m in mirrors(place.client)["data"] if m["gitUrl"] == place.config["gitUrl"])


def folders(daemon):
    return sorted(path.name for path in (daemon.data / "mirrors").iterdir())


def wait_until(condition):
    until = time.monotonic() + PASS_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def assert_sound(daemon):
    for folder in (daemon.data / "mirrors").glob("*.git"):
        checked = subprocess.run(
            ["git", "-c", "safe.directory=*", "--git-dir", folder, "fsck", "--strict"],
            capture_output=True,
            text=True,
        )
        # It may have been removed meanwhile.
        assert checked.returncode == 0 or not folder.exists(), checked.stdout + checked.stderr


def edit_and_push(place, app, text):
    place.edit(app, with_text(app.document, text))
    return place.push(app, text)


def test_the_list_tells_what_there_is(start, place_on):
    daemon = start(mirror_limit="3G")
    first, second = place_on(daemon), place_on(daemon)
    second.pushed_app()
    first.pushed_app()
    wait_until(lambda: not any(mirror["inUse"] for mirror in mirrors(first.client)["data"]))
    told = mirrors(first.client)
    assert [mirror["gitUrl"] for mirror in told["data"]] == [
        second.config["gitUrl"],
        first.config["gitUrl"],
    ]
    assert told["limitBytes"] == 3 << 30
    assert told["bytes"] == sum(mirror["bytes"] for mirror in told["data"]) > 0
    for mirror in told["data"]:
        assert list(mirror) == [
            "id",
            "gitUrl",
            "bytes",
            "looseObjects",
            "packs",
            "lastUsedAt",
            "inUse",
        ]
        assert f"{mirror['id']}.git" in folders(daemon)
        assert mirror["looseObjects"] > 5 and mirror["packs"] == 0
        assert mirror["lastUsedAt"].endswith("Z")
    metrics = Client(daemon).send("GET", "/metrics").body.decode()
    assert "gitsync_mirrors " in metrics and "gitsync_mirror_bytes " in metrics


def test_the_calls_need_a_token(start):
    client = Client(start(), authorization="Basic wrong")
    assert client.send("GET", path_of("mirrors")).status == 403
    assert client.send("POST", path_of("mirrors", "gc")).status == 403


def test_a_collection_packs_and_loses_nothing(start, place_on):
    daemon = start()
    place = place_on(daemon)
    app = place.pushed_app()
    for number in range(10):
        edit_and_push(place, app, f"text {number}").ok()
    before = mirror_of(place)
    told = collect(place.client)
    after = mirror_of(place)
    assert before["looseObjects"] > 30 and after["looseObjects"] == 0 and after["packs"] == 1
    assert told["packed"] == 1 and told["removed"] == 0 and told["mirrors"] == 1
    assert told["freedBytes"] == before["bytes"] - after["bytes"] > 0
    assert told["bytes"] == after["bytes"]
    assert_sound(daemon)
    assert edit_and_push(place, app, "after").ok()["status"] == "pushed"
    place.commit_document(app, with_text(app.document, "in git"))
    assert place.client.pull(app.id).ok()["status"] == "updated"
    daemon.restart()
    assert edit_and_push(place, app, "restarted").ok()["status"] == "pushed"
    assert_sound(daemon)
    assert place.repo.fsck() == ""


def test_a_collection_removes_what_nobody_names(start, place_on, make_repo):
    daemon = start()
    place = place_on(daemon)
    place.pushed_app()
    other = make_repo()
    place.config["gitUrl"] = other.tls_url
    place.configure().ok(201)
    assert [m["gitUrl"] for m in mirrors(place.client)["data"]] == [None, other.tls_url]
    told = collect(place.client)
    assert told["removed"] == 1 and told["mirrors"] == 1
    assert [m["gitUrl"] for m in mirrors(place.client)["data"]] == [other.tls_url]
    assert folders(daemon) == [f"{mirror_of(place)['id']}.git"]


def test_pushes_and_pulls_beside_collections(start, place_on):
    daemon = start(mirrors_open="2")
    places = [place_on(daemon) for _ in range(4)]
    apps = [place.pushed_app() for place in places]
    failed = []

    def work(place, app):
        try:
            for number in range(15):
                edit_and_push(place, app, f"text {number}").ok()
                if number % 5 == 4:
                    place.commit_document(app, with_text(app.document, f"in git {number}"))
                    assert place.client.pull(app.id).ok()["status"] == "updated"
                    app.document = with_text(app.document, f"in git {number}")
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    workers = [threading.Thread(target=work, args=pair) for pair in zip(places, apps)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        collect(places[0].client)
    for worker in workers:
        worker.join()
    assert not failed, failed
    collect(places[0].client)
    assert_sound(daemon)
    for place, app in zip(places, apps):
        assert place.push(app, "nothing new").ok()["status"] == "up_to_date"
        assert place.repo.fsck() == ""


def test_many_repositories_stay_below_the_limit(start, place_on):
    limit = 700 << 10
    daemon = start(mirror_limit=str(limit), mirrors_open="3")
    places = [place_on(daemon) for _ in range(10)]
    apps = [place.pushed_app() for place in places]
    wait_until(lambda: mirrors(places[0].client)["bytes"] <= limit)
    left = [mirror["gitUrl"] for mirror in mirrors(places[0].client)["data"]]
    # Those that were used last.
    assert left == [place.config["gitUrl"] for place in places[-len(left) :]]
    for place, app in zip(places, apps):
        assert edit_and_push(place, app, "fetched again").ok()["status"] == "pushed"
        assert place.repo.fsck() == ""
    wait_until(lambda: mirrors(places[0].client)["bytes"] <= limit)
    wait_until(lambda: all(name.endswith(".git") for name in folders(daemon)))
    assert_sound(daemon)


def test_one_with_an_unsettled_push_stays(start, place_on, host, faulty_on):
    daemon = start(mirror_limit="64K", git_timeout="5s")
    place = faulty_on(daemon)
    app = place.pushed_app()
    place.disturb(app)
    place.post_fault("cut", times=1, after_response_bytes=0)
    place.advert_fault("drop", skip=1)
    try:
        assert edit_and_push(place, app, "Unknown").status == 502
        kept = mirror_of(place)
        assert kept["inUse"]
        others = [place_on(daemon) for _ in range(3)]
        for other in others:
            other.pushed_app()
        wait_until(lambda: len(folders(daemon)) <= 2)
        assert f"{kept['id']}.git" in folders(daemon)
    finally:
        host.clear_faults()
    assert [op["state"] for op in place.settled()] == ["done", "done"]
    place.assert_sound()


def test_one_that_is_too_large_alone_stays(start, place_on):
    daemon = start(mirror_limit="64K")
    place = place_on(daemon)
    app = place.pushed_app()
    assert collect(place.client)["mirrors"] == 1
    assert edit_and_push(place, app, "again").ok()["status"] == "pushed"


def test_open_packs_are_bounded(start, place_on):
    daemon = start(mirrors_open="2")
    places = [place_on(daemon) for _ in range(6)]
    apps = [place.pushed_app() for place in places]
    collect(places[0].client)
    for place, app in zip(places, apps):
        assert edit_and_push(place, app, "packed").ok()["status"] == "pushed"

    def are_few():
        maps = Path(f"/proc/{daemon.pid}/maps").read_text().splitlines()
        files = [line.split()[-1] for line in maps if ".git/objects/pack" in line]
        return 1 <= len({name.split(".git/")[0] for name in files}) <= 2

    wait_until(are_few)


def give_objects_of_nobody(mirror, scratch, count):
    """As hundreds of pushes would have left them; those that the server's estimate counts come last, so that it sees none or all."""
    made = "".join(f"blob\ndata {len(str(n))}\n{n}\n" for n in range(count))
    subprocess.run(["git", "init", "-q", "--bare", scratch], check=True)
    subprocess.run(
        ["git", "-c", f"fastimport.unpackLimit={2 * count}", "--git-dir", scratch, "fast-import", "--quiet"],
        input=made.encode(),
        check=True,
    )
    folders = sorted((scratch / "objects").glob("??"), key=lambda folder: folder.name == "17")
    assert sum(len(list(folder.iterdir())) for folder in folders) == count
    for folder in folders:
        (mirror / "objects" / folder.name).mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.rename(mirror / "objects" / folder.name / file.name)


def test_packing_happens_by_itself(start, place_on, tmp_path):
    daemon = start()
    place = place_on(daemon)
    app = place.pushed_app()
    mirror = daemon.data / "mirrors" / f"{mirror_of(place)['id']}.git"
    give_objects_of_nobody(mirror, tmp_path / "scratch", 2500)
    for number in range(101):  # after a hundred it is looked at
        edit_and_push(place, app, f"text {number}").ok()
    wait_until(lambda: mirror_of(place)["looseObjects"] < 1000)
    assert mirror_of(place)["packs"] >= 1
    collect(place.client)  # answers when nothing is being packed any more
    assert_sound(daemon)
    assert edit_and_push(place, app, "the last").ok()["status"] == "pushed"


def test_a_kill_during_collections_loses_nothing(start, place_on):
    daemon = start(mirror_limit="400K")
    places = [place_on(daemon) for _ in range(3)]
    apps = [place.pushed_app() for place in places]
    chance = random.Random(7)
    for number in range(12):
        for place, app in zip(places, apps):
            edit_and_push(place, app, f"text {number}").ok()
        caller = threading.Thread(target=ask_in_vain, args=(places[0].client,))
        caller.start()
        time.sleep(chance.uniform(0, 0.06))
        daemon.kill()
        caller.join()
        daemon.start()
        if number % 4 == 3:
            assert_sound(daemon)
    for place, app in zip(places, apps):
        assert place.push(app, "nothing new").ok()["status"] == "up_to_date"
        assert place.repo.fsck() == ""
    collect(places[0].client)
    assert all(name.endswith(".git") for name in folders(daemon))
    for mirror in (daemon.data / "mirrors").iterdir():
        names = {path.name for path in mirror.iterdir()}
        assert names <= {"HEAD", "config", "objects", "packed-refs", "refs"}


def ask_in_vain(client):
    try:
        client.send("POST", path_of("mirrors", "gc"))
    except (OSError, http.client.HTTPException):
        pass


def test_a_collection_with_a_key(start, place_on):
    place = place_on(start())
    place.pushed_app()
    key = {"Idempotency-Key": "collect-once"}
    for _ in range(2):
        answer = place.client.send("POST", path_of("mirrors", "gc"), headers=key)
        assert answer.ok()["mirrors"] == 1
