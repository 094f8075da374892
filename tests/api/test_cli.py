# SPDX-License-Identifier: Apache-2.0
"""The commands that talk to a running server: what they print, how they fail, and that manual and help tell the truth."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from daemon import PROGRAM, TOKEN

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
FLAG = re.compile(r"--[a-z][a-z-]*")


def gitsync(*arguments, **environment):
    passed = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS") if key in os.environ}
    return subprocess.run(
        [PROGRAM, *arguments],
        env=passed | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.fixture
def ask(server):
    """Runs a command against the server with its token."""

    def ask(*arguments, **environment):
        usual = {"GITSYNC_SERVER": f"http://{server.address}", "GITSYNC_TOKEN": TOKEN}
        return gitsync(*arguments, **(usual | environment))

    return ask


@pytest.fixture
def stranger():
    """A server that is something else."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>nothing here</html>")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_mirrors_are_listed(place, ask):
    place.pushed_app()
    done = ask("mirror", "list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert any(line.endswith(place.config["gitUrl"]) and " KB " in line for line in lines)
    assert re.fullmatch(r"\d+ mirrors?, [\d.]+ [KM]B of at most 10\.0 GB", lines[-1])


def test_mirrors_are_collected(place, ask):
    place.pushed_app()
    done = ask("mirror", "gc")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"\d+ packed, \d+ removed, [\d.]+ (bytes|KB|MB) freed\n", done.stdout)


def test_json_is_the_answer(place, ask):
    place.pushed_app()
    told = json.loads(ask("mirror", "list", "--json").stdout)
    assert place.config["gitUrl"] in [mirror["gitUrl"] for mirror in told["data"]]
    told = json.loads(ask("mirror", "gc", "--json").stdout)
    assert list(told) == ["packed", "removed", "freedBytes", "mirrors", "bytes", "limitBytes"]


def test_where_the_token_may_come_from(server, ask, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\r\n")
    address = f"--server=http://{server.address}/"
    assert gitsync("mirror", "list", address, f"--token-file={file}").returncode == 0
    assert gitsync("mirror", "list", address, "--token-file", file).returncode == 0
    assert gitsync("mirror", "list", address, EXTERNAL_API_ACCESS_TOKEN=TOKEN).returncode == 0
    assert ask("mirror", "list", EXTERNAL_API_ACCESS_TOKEN="another").returncode == 0
    wrong = ask("mirror", "list", GITSYNC_TOKEN="wrong-token")
    assert wrong.returncode == 1
    assert wrong.stderr == "gitsync: the server does not accept this access token\n"
    assert "wrong-token" not in wrong.stderr + wrong.stdout


def test_what_is_not_understood():
    for arguments, says in [
        (["mirror"], "usage: gitsync mirror"),
        (["mirror", "polish"], "usage: gitsync mirror"),
        (["mirror", "list", "gc"], "'gc' is not understood"),
        (["mirror", "list", "--token=x"], "'--token=x' is not understood"),
        (["mirror", "list", "--server"], "'--server' is not understood"),
        (["mirror", "list", "--jsonx"], "'--jsonx' is not understood"),
        (["mirror", "list"], "there is no access token"),
        (["mirror", "list", "--token-file=/nowhere"], "/nowhere"),
        (["polish"], "there is no command 'polish'"),
    ]:
        done = gitsync(*arguments)
        assert done.returncode == 2 and says in done.stderr and done.stdout == "", arguments


@pytest.mark.parametrize("server", ["", "localhost:8080", "ftp://x", "http://a:b@x", "http://"])
def test_addresses_that_cannot_be_asked(server):
    done = gitsync("mirror", "list", f"--server={server}", GITSYNC_TOKEN=TOKEN)
    assert done.returncode == 2 and done.stderr.startswith("gitsync: the server's address")


def test_a_server_that_is_not_there():
    done = gitsync("mirror", "list", "--server=http://127.0.0.1:1", GITSYNC_TOKEN=TOKEN)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_server_that_is_something_else(stranger):
    done = gitsync("mirror", "list", GITSYNC_SERVER=stranger, GITSYNC_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "does not answer as a gitsync server does (status 404)" in done.stderr


def test_serve_minds_no_variable_of_the_commands(start_daemon, tmp_path):
    done = gitsync("serve", "--nonsense", GITSYNC_SERVER="http://x", GITSYNC_TOKEN="x")
    assert "--nonsense" in done.stderr


def plain_manual():
    text = (ROOT / "docs" / "gitsync.1").read_text()
    return re.sub(r"\\f.|^\.(?!\\).\S*", "", text.replace("\\-", "-"), flags=re.MULTILINE)


def test_the_manual_tells_what_the_help_tells():
    manual = plain_manual()
    mirror_help = gitsync("mirror", "--help").stdout
    serve_help = gitsync("serve", "--help").stdout
    commands = re.findall(r"^  (\w+)", gitsync("help").stdout, flags=re.MULTILINE)
    assert {"serve", "mirror"} <= set(commands)
    for command in commands:
        assert f"gitsync {command}" in manual
    for word in [*FLAG.findall(mirror_help), *re.findall(r"GITSYNC_\w+", mirror_help)]:
        assert word in manual
    known = {*FLAG.findall(mirror_help), *FLAG.findall(serve_help), "--help"}
    assert set(FLAG.findall(manual)) <= known
    for action in re.findall(r"gitsync mirror (\w+)", mirror_help):
        assert f"gitsync mirror {action}" in manual


def test_the_default_server_is_the_default_address():
    address = re.search(r"default http://(\S+)", gitsync("mirror", "--help").stdout)[1]
    assert re.search(
        rf"--listen(.*\n){{1,3}}.*{re.escape(address)}", gitsync("serve", "--help").stdout
    )


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_the_manual_is_well_formed():
    page = ROOT / "docs" / "gitsync.1"
    done = subprocess.run(
        ["man", "--warnings", "-l", "-Tutf8", page], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == ""
