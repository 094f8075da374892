# SPDX-License-Identifier: Apache-2.0
"""What the tests of the API share: a git host for all, a server per module, a place per test."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "fixtures"), str(Path(__file__).parent)]

from client import Client  # noqa: E402
from daemon import Daemon  # noqa: E402
from faulty import FaultyPlace  # noqa: E402
from githost.client import Host  # noqa: E402
from place import README, Place, unique  # noqa: E402

LOGS = pytest.StashKey()
SETUP_LINES = 50
ID_LENGTH = 30


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """Shared by all tests, which keep apart by the names of their repositories."""
    with Host.start(tmp_path_factory.mktemp("githost")) as running:
        yield running


@pytest.fixture(scope="session")
def start_daemon(host):
    """Starts a server that trusts the host; whoever calls it stops it."""

    def start(data, **settings):
        usual = {"ca_file": host.info["caFile"], "allow_loopback_hosts": "true"}
        return Daemon(data, **(usual | settings)).start()

    return start


@pytest.fixture(scope="module")
def server(start_daemon, tmp_path_factory):
    daemon = start_daemon(tmp_path_factory.mktemp("data"))
    yield daemon
    daemon.stop()


@pytest.fixture
def start(start_daemon, tmp_path):
    """Starts servers of the test's own, which end with it."""
    running = []

    def start(**settings):
        running.append(start_daemon(tmp_path / f"data{len(running)}", **settings))
        return running[-1]

    yield start
    for daemon in running:
        daemon.stop()


@pytest.fixture
def daemon(start):
    """A server of the test's own, to be stopped or killed."""
    return start()


@pytest.fixture
def client(server):
    return Client(server)


@pytest.fixture
def make_repo(host):
    """A new repository, with a first commit unless it is to be empty."""

    def make(prefix="apps", *, files=README, branch="main"):
        repo = host.create_repo(unique(f"acme/{prefix}"), branch=branch)
        if files:
            repo.commit_files(branch, files, "Initial commit")
        return repo

    return make


@pytest.fixture
def place_on(host, make_repo):
    """A new organization on that server, with a new repository unless one is given; configured unless told not."""

    def make(daemon, repo=None, *, configured=True, **changes):
        place = Place(Client(daemon), host, repo or make_repo(), **changes)
        if configured:
            place.configure().ok(201)
        return place

    return make


@pytest.fixture
def make_place(server, place_on):
    """The same on the module's server."""
    return lambda repo=None, **members: place_on(server, repo, **members)


@pytest.fixture
def faulty_on(host, make_repo):
    """A place on that server whose git host can be made to fail, until the test ends."""

    def make(daemon, repo=None, **changes):
        place = FaultyPlace(daemon, host, repo or make_repo(), **changes)
        place.configure().ok(201)
        return place

    yield make
    host.clear_faults()


@pytest.fixture
def faulty(server, faulty_on):
    return faulty_on(server)


@pytest.fixture
def place(make_place):
    return make_place()


@pytest.fixture(scope="session")
def github_app(host):
    """A second App: {appId, slug, privateKeyFile, pkcs8File}."""
    return host.create_app(7_000_001, "second-app")


@pytest.fixture
def installed(host, github_app, make_place):
    """A place, not configured yet, that has an installation of the second App to itself."""

    def make(account="acme", **members):
        made = host.create_installation(github_app["appId"], account, **members)
        return make_place(
            configured=False,
            githubAppId=str(github_app["appId"]),
            githubAppInstallationId=str(made["installationId"]),
            githubAppPrivateKey=Path(github_app["privateKeyFile"]).read_text(),
        )

    return make


@pytest.fixture
def crashing(daemon, place_on):
    """A configured place on a server of its own, with an app that is in git."""
    place = place_on(daemon)
    return place, place.pushed_app()


@pytest.fixture
def frail_place(start_daemon, host, make_repo, tmp_path):
    """A place on a server of its own; its git host can be made to fail."""
    daemon = start_daemon(tmp_path / "frail")
    repo = make_repo()
    frail = Place(Client(daemon), host, repo, gitUrl=repo.fault_url)
    frail.configure().ok(201)
    yield frail
    host.clear_faults()
    daemon.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    """Remembers where the server's log was when the test began, or a little before when it could not begin."""
    outcome = yield
    back = SETUP_LINES if outcome.excinfo else 0
    daemons = [value for value in item.funcargs.values() if isinstance(value, Daemon)]
    item.stash[LOGS] = [(daemon, max(daemon.log_size - back, 0)) for daemon in daemons]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure comes with what the server logged meanwhile."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon, first in item.stash.get(LOGS, []):
            report.sections.append(("log of gitsync", daemon.log(first)))


def pytest_make_parametrize_id(val):
    """Long values, such as a bomb for the parser, do not become parts of names."""
    text = val if isinstance(val, str) else repr(val)
    return f"{text[:ID_LENGTH]}… ({len(text)})" if len(text) > ID_LENGTH else None
