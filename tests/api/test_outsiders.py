# SPDX-License-Identifier: Apache-2.0
"""Outsiders push and force-push while pushes run: what was acknowledged was on the branch once, what was refused never.

The host's own record of the branch, its reflog, judges: each head that there ever was, also those that were forced away.
"""

import threading

import pytest
from githost.gitrepo import GitError
from keyed import Background, keyed_push, new_key, until
from place import new_document, unique, with_text

ROUNDS = 5
ENDS = {(200, None), (409, "branch_moved"), (409, "merge_conflict")}


@pytest.fixture
def place(faulty):
    faulty.repo.git("config", "core.logAllRefUpdates", "true")
    yield faulty
    faulty.assert_sound()


def moves(repo):
    """(old, new, how) of each move of the branch since the host began to record them."""
    lines = (repo.folder / "logs/refs/heads/main").read_text().splitlines()
    parts = (line.partition("\t") for line in lines)
    return [(*about.split(" ", 2)[:2], how) for about, _, how in parts]


def commits_ever(repo):
    """{message: ids of the commits} of everything that was ever on the branch."""
    heads = {head for old, new, _ in moves(repo) for head in (old, new) if head.strip("0")}
    found = {}
    for line in repo.text("log", "--format=%H %s", *heads, "--").splitlines():
        sha, message = line.split(" ", 1)
        found.setdefault(message, []).append(sha)
    return found


def assert_ours_went_forward(repo):
    """No push of the server has taken anything off the branch."""
    ours = [(old, new) for old, new, how in moves(repo) if how == "push"]
    assert ours
    for old, new in ours:
        repo.git("merge-base", "--is-ancestor", old, new)


def code_of(answer):
    return None if answer.status == 200 else answer.json["code"]


def assert_told_truly(place, told):
    """told: (message, answer) of each call; a message is told once, by the last answer to its key."""
    ever = commits_ever(place.repo)
    for message, answer in told:
        assert (answer.status, code_of(answer)) in ENDS, answer.body
        made = [answer.json["commit"]["sha"]] if answer.status == 200 else []
        assert ever.get(message, []) == made, message
        operation = place.client.operation(answer.headers["X-Operation-Id"]).ok()
        assert operation["state"] == ("done" if made else "failed"), operation
    assert_ours_went_forward(place.repo)


def assert_in_step(place, app):
    """Here, in git, and in what the server believes."""
    assert place.client.status(app.id, refresh="true").ok()["state"] == "in_sync"
    name = place.client.app(app.id).ok()["name"]
    assert place.repo.read_file(f"{name}/v1.json") == app.bytes


# What outsiders do to the branch; each gives the files that must be there ever after.


def build_on_an_older_one(repo, old):
    files = {f"{unique('forced')}.txt": "theirs\n"}
    repo.commit_files("main", files, unique("Forced"), parent=old)
    return files


def rewind(repo, old):
    repo.set_branch("main", old)
    return {}


def rewrite(repo, old):
    files = repo.files() | {f"{unique('rewritten')}.txt": "theirs\n"}
    repo.commit_files("main", files, unique("Rewritten"), parent=old)
    return files


def start_over(repo, _):
    files = {f"{unique('new')}.txt": "theirs\n"}
    repo.force_push("main", files, unique("Start over"))
    return files


FORCED = [build_on_an_older_one, rewind, rewrite, start_over]


def pushes_held(place, apps, moment):
    """The calls of one batch, and the rule by which the host holds it."""
    gate = place.hold_post()
    leader = place.new_app("Leader")
    calls = [("Leader", Background(lambda: place.push(leader, "Leader")))]
    until(lambda: place.host.hits(gate))
    for app in apps:
        message = unique("Push")
        call = Background(lambda app=app, message=message: place.push(app, message))
        calls.append((message, call))
    waiting = {"organizationId": place.id, "state": "queued"}
    until(lambda: len(place.client.operations(**waiting).ok()["data"]) == len(apps))
    skip = 0 if moment == "expected" else 1  # the leader's second try
    if skip:
        place.repo.commit_files("main", {"other.txt": "theirs\n"}, "Faster than the leader")
    hold = place.hold_advert if moment == "looking" else place.hold_post
    held = hold(skip=skip)
    place.let_go(gate)
    until(lambda: place.host.hits(held) > skip)
    return calls, held


@pytest.mark.parametrize("force", FORCED, ids=lambda force: force.__name__)
@pytest.mark.parametrize("moment", ["expected", "looked", "looking"])
def test_a_force_push_under_a_batch(place, moment, force):
    known = place.pushed_app("Known")
    old = place.repo.head()
    for text in ("second", "third"):  # the server learns that it is alone
        place.edit(known, with_text(known.document, text))
        place.push(known, text).ok()
    place.edit(known, with_text(known.document, "fourth"))
    apps = [place.new_app("One"), place.new_app("Two"), known]
    calls, held = pushes_held(place, apps, moment)
    kept = force(place.repo, old)
    forced = place.repo.head()
    place.let_go(held)
    told = [(message, call.wait()) for message, call in calls]
    assert_told_truly(place, told)
    # What git went back to is a change that nobody here has pulled.
    goes_back = force in (build_on_an_older_one, rewind)
    codes = [code_of(answer) for _, answer in told]
    assert codes == [None, None, None, "merge_conflict" if goes_back else None]
    history = {commit.sha for commit in place.repo.log()}
    assert forced in history
    for app, (_, answer) in zip(apps, told[1:]):
        if answer.status == 200:
            assert answer.json["commit"]["sha"] in history
            assert_in_step(place, app)
    for path in kept.keys() - {".meta/meta.json", "Known/v1.json"}:
        assert path in place.repo.ls_tree(), path


def test_a_force_push_under_each_fetch(place):
    """The commit that was to be fetched is gone each time that the host gets to it."""
    app = place.pushed_app()
    place.edit(app, with_text(app.document, "second"))
    place.repo.commit_files("main", {"other.txt": "theirs\n"}, "Faster")
    gate = place.hold_post(service="git-upload-pack")
    message = unique("Push")
    call = Background(lambda: place.push(app, message, onConflict="ours"))
    for _ in range(4):
        until(lambda: place.host.hits(gate))
        start_over(place.repo, None)
        gate, before = place.hold_post(service="git-upload-pack"), gate
        place.let_go(before)
    until(lambda: place.host.hits(gate))
    place.let_go(gate)
    answer = call.wait()
    assert code_of(answer) is None
    assert_told_truly(place, [(message, answer)])
    assert_in_step(place, app)


class Outsider:
    """Pushes and force-pushes in turn, each time after somebody was told something."""

    def __init__(self, place, told):
        self.place, self.told = place, told
        self.old = place.repo.head()
        self.count, self.error = 0, None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.is_set():
                before = len(self.told)
                self._act()
                while len(self.told) == before and not self._stop.wait(0.005):
                    pass
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            self.error = error

    def _act(self):
        """The host's own tool gives up when it is the slower one; then it is somebody else's turn."""
        repo = self.place.repo
        try:
            if self.count % 2 == 0:
                repo.commit_files("main", {"noise.txt": str(self.count)}, unique("Noise"))
            else:
                FORCED[self.count // 2 % len(FORCED)](repo, self.old)
        except GitError:
            return
        self.count += 1

    def stop(self):
        self._stop.set()
        self._thread.join()
        if self.error:
            raise self.error


def push_until_told(place, app, told):
    """Whom others were always faster than asks again with the same key; who lags behind insists, in a push of its own."""
    message, key, wish = unique("Push"), new_key(), {}

    def push():
        nonlocal message, key, wish
        answer = keyed_push(place, app, key, message, **wish)
        if code_of(answer) == "branch_moved":
            return False
        told.append((message, answer))
        if code_of(answer) == "merge_conflict":
            message, key, wish = unique("Push"), new_key(), {"onConflict": "ours"}
        return answer.status == 200

    until(push)


def test_a_storm_of_force_pushes(place):
    apps = [place.import_app(new_document(unique("App"))) for _ in range(4)]
    told, failed = [], []
    outsider = Outsider(place, told)

    def work(app):
        try:
            for number in range(ROUNDS):
                until(lambda: outsider.count >= number or outsider.error)
                place.edit(app, with_text(app.document, unique("text")))
                push_until_told(place, app, told)
        except Exception as error:  # noqa: BLE001 - judged in the test's own thread
            failed.append(error)

    workers = [threading.Thread(target=work, args=(app,)) for app in apps]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    outsider.stop()
    assert not failed, failed
    assert outsider.count >= ROUNDS - 1
    assert_told_truly(place, told)
    for app in apps:
        answer = place.push(app, unique("Last"), onConflict="ours").ok()
        assert answer["status"] in ("pushed", "up_to_date")
        assert_in_step(place, app)
