# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping: settings that are refused, keys and tokens, TLS, and a stop that loses nothing."""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from client import Client
from daemon import MASTER_KEY, PROGRAM, TOKEN
from keyed import Background, until

SECONDS = 30


def serve(*flags, **environment):
    """A start that is expected to fail: exit status and what it says."""
    passed = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS") if key in os.environ}
    done = subprocess.run(
        [PROGRAM, "serve", *flags],
        env=passed | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        (["--nonsense=1"], {}, "there is no flag --nonsense"),
        (["--body-limit=huge"], {}, "body_limit is 'huge', but must be a size"),
        ([], {"GITSYNC_NONSENSE": "1"}, "GITSYNC_NONSENSE names no setting"),
        ([], {"LOCKBOX_MASTER_KEY": "abc"}, "does not hold 64 hexadecimal digits"),
        (["--lockbox-master-key=x"], {}, "would show the secret in the process list"),
        ([], {"EXTERNAL_API_ACCESS_TOKEN": "short"}, "shorter than 8 characters"),
        ([f"--tls-cert={__file__}"], {}, "tls_cert and tls_key go together"),
        (["--ca-file=/nowhere.pem"], {}, "/nowhere.pem"),
        (["--lockbox-master-key-file=/nowhere.key"], {}, "/nowhere.key"),
        (["--listen=127.0.0.1:99999"], {}, "the port is not a number from 0 to 65535"),
        (["--listen=127.0.0.1"], {}, "the port is missing"),
        (["--listen=::1:8080"], {}, "write an IPv6 address in brackets"),
        (["--listen=192.0.2.1:8080"], {}, "cannot listen on"),
    ],
)
def test_bad_settings_stop_the_start(tmp_path, flags, environment, message):
    data = [f"--data={tmp_path / 'data'}", "--listen=127.0.0.1:0"]
    status, said = serve(*data, *flags, **environment)
    assert status == 2
    reason = said.splitlines()[-1]
    assert reason.startswith("gitsync: ") and message in reason


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("listen = 127.0.0.1:99999", "the port is not a number"),
        ("listen = 127.0.0.1", "the port is missing"),
        ("listen = somewhere else", "the port is missing"),
        ("ca_file = /nowhere.pem", "cannot read ca_file /nowhere.pem"),
        ("body_limit = 1M", "body_limit stands in line 2 already"),
    ],
)
def test_a_start_that_is_refused_leaves_nothing_behind(tmp_path, setting, reason):
    file, data = tmp_path / "gitsync.conf", tmp_path / "data"
    file.write_text(f"data = {data}\nbody_limit = 1M\n{setting}\n")
    status, said = serve(f"--config={file}")
    assert status == 2
    assert said.startswith(f"gitsync: line 3 of {file}: ") and reason in said
    assert list(tmp_path.iterdir()) == [file]


def test_a_settings_file_is_told_with_its_line(tmp_path):
    file = tmp_path / "gitsync.conf"
    file.write_text("listen = 127.0.0.1:0\n# a comment\nlog_levle = info\n")
    status, said = serve(f"--config={file}")
    assert status == 2
    assert f"line 3 of {file}: there is no setting 'log_levle'" in said


def test_the_address_is_taken(server, tmp_path):
    status, said = serve(f"--listen={server.address}", f"--data={tmp_path / 'data'}")
    assert status == 2
    assert server.address in said
    assert not (tmp_path / "data").exists()


def test_one_server_per_data_folder(server):
    status, said = serve("--listen=127.0.0.1:0", f"--data={server.data}")
    assert status == 1
    assert "another server is running on the data folder" in said


def run_bare(data, **environment):
    """A server without the secrets that the other tests give it."""
    passed = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS") if key in os.environ}
    process = subprocess.Popen(
        [PROGRAM, "serve", f"--data={data}", "--listen=127.0.0.1:0"],
        env=passed | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = []
    for line in process.stderr:
        log.append(line)
        if '"listening"' in line:
            break
    return process, log


def stop_bare(process):
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    return out


def test_the_first_start_makes_key_and_token(tmp_path):
    process, log = run_bare(tmp_path / "data")
    key_file = tmp_path / "data" / "master.key"
    try:
        key = key_file.read_text().strip()
        assert len(key) == 64 and int(key, 16)
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert any("master_key_made" in line and str(key_file) in line for line in log)
        assert key not in "".join(log)
    finally:
        told = stop_bare(process)
    token = told.strip().rpartition(": ")[2]
    assert len(token) == 64
    again, log = run_bare(tmp_path / "data")
    address = json.loads(log[-1])["address"]
    connection = http.client.HTTPConnection(address)
    connection.request("GET", "/api/ext/workspaces", headers={"Authorization": f"Basic {token}"})
    assert connection.getresponse().status == 200
    connection.close()
    assert stop_bare(again) == "", "the token is told only once"
    key_file.chmod(0o644)
    status, said = serve(f"--data={tmp_path / 'data'}", "--listen=127.0.0.1:0")
    assert status == 2 and "can be read by others (mode 644)" in said


def test_another_master_key_is_refused(start_daemon, tmp_path):
    start_daemon(tmp_path / "data").stop()
    status, said = serve(
        f"--data={tmp_path / 'data'}", "--listen=127.0.0.1:0", LOCKBOX_MASTER_KEY="ab" * 32
    )
    assert status == 1
    assert "was sealed with another master key" in said and MASTER_KEY not in said


def test_tls(start_daemon, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    daemon = start_daemon(tmp_path / "data", tls_cert=cert, tls_key=key)
    port = int(daemon.address.rpartition(":")[2])
    context = ssl.create_default_context(cafile=cert)
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=SECONDS)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    daemon.stop()


def connect(daemon):
    name, _, port = daemon.address.rpartition(":")
    return socket.create_connection((name, int(port)), SECONDS)


def head_of(daemon, method, path, **fields):
    given = {"Host": daemon.address, "Authorization": f"Basic {TOKEN}"} | fields
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def refuses(daemon):
    try:
        connect(daemon).close()
    except ConnectionError:
        return True
    return False


def push_held(place, app):
    """A push that is on its way and stays at the host until the rule, the other value, is removed."""
    held = place.hold_post()
    call = Background(lambda: place.push(app, "Held"))
    until(lambda: place.host.hits(held))
    return call, held


def test_calls_in_flight_finish_before_the_stop(start_daemon, faulty_on, tmp_path):
    """So does a request of which a part is here; what comes later is refused, and nobody waits for an idle connection."""
    daemon = start_daemon(tmp_path / "data", stop_timeout="50s")
    place = faulty_on(daemon)
    call, held = push_held(place, place.new_app())
    body = b'{"name":"In the middle"}'
    begun = {"Content_Type": "application/json", "Content_Length": len(body)}
    begun["Expect"] = "100-continue"
    with connect(daemon) as silent, connect(daemon) as kept, connect(daemon) as half:
        kept.sendall(head_of(daemon, "GET", "/healthz"))
        assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
        half.sendall(head_of(daemon, "POST", "/api/ext/workspaces", **begun))
        assert half.recv(4096).startswith(b"HTTP/1.1 100 ")
        half.sendall(body[:9])
        os.kill(daemon.pid, signal.SIGTERM)
        until(lambda: refuses(daemon))
        kept.sendall(head_of(daemon, "GET", "/api/ext/workspaces"))
        late = http.client.HTTPResponse(kept)
        late.begin()
        assert (late.status, late.headers["Connection"]) == (503, "close")
        assert json.loads(late.read())["code"] == "shutting_down" and kept.recv(1) == b""
        half.sendall(body[9:])
        finished = http.client.HTTPResponse(half)
        finished.begin()
        assert finished.status == 201, finished.read()
        assert call.is_running
        place.let_go(held)
        answer = call.wait().ok()
        assert answer["status"] == "pushed" and place.repo.head() == answer["commit"]["sha"]
        daemon.stop()
        assert silent.recv(1) == b""
    place.assert_sound()
    assert "stopped_with_work_left" not in daemon.log()


def test_a_call_that_outlasts_the_stop_is_settled_by_the_next_start(start, faulty_on):
    daemon = start(stop_timeout="100ms")
    place = faulty_on(daemon)
    call, held = push_held(place, place.new_app())
    daemon.stop()
    assert "stopped_with_work_left" in daemon.log()
    assert call.wait() is None and call.error
    place.let_go(held)
    daemon.start()
    assert [entry["state"] for entry in place.settled()] == ["done"]
    assert place.messages().count("Held") == 1
    place.assert_sound()


def test_health_needs_no_token(server):
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200)):
        answer = Client(server, authorization=None).send("GET", path)
        assert answer.status == status, path
    described = Client(server, authorization=None).send("GET", "/openapi.json").json
    assert described["openapi"].startswith("3.1")
    stream = described["paths"]["/api/ext/operations/{operationId}/events"]["get"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    creation = described["paths"]["/api/ext/apps"]["post"]
    query = {item["name"]: item for item in creation["parameters"]}
    assert query["createMode"]["required"] and query["createMode"]["schema"] == {"enum": ["git"]}
    assert query["dryRun"]["schema"] == {"type": "boolean"} and "If-Match" in query
    assert "gitsync_http_responses_total" in Client(server).send("GET", "/metrics").body.decode()


def test_secrets_stay_inside(place, server):
    """The key and the token are in no response and no log line, and not in the process list."""
    app = place.pushed_app()
    place.client.pull(app.id).ok()
    place.configure(githubAppPrivateKey="-----BEGIN RSA PRIVATE KEY-----\nAAAA\n").refused(
        400, "invalid_private_key"
    )
    key = place.config["githubAppPrivateKey"].splitlines()[3]
    shown = [place.client.git_config(place.id).body.decode(), server.log()]
    with open(f"/proc/{server.pid}/cmdline") as command_line:
        shown.append(command_line.read())
    for text in shown:
        assert key not in text and TOKEN not in text and MASTER_KEY not in text
    database = b"".join(path.read_bytes() for path in server.data.glob("gitsync.db*"))
    assert key.encode() not in database and TOKEN.encode() not in database


def nobody():
    """Whom a server runs as here: never root, for whom every file can be read; None is who runs the tests."""
    return 65534 if os.geteuid() == 0 else None


@pytest.fixture
def own_server():
    """A process of gitsync that belongs to nobody(), with the core limit as high as it may be."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program, data = Path(folder) / "gitsync", Path(folder) / "data"
        shutil.copy(PROGRAM, program)
        data.mkdir()
        if nobody() is not None:
            os.chown(data, nobody(), nobody())
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
        process = subprocess.Popen(
            [program, "serve", f"--data={data}", "--listen=127.0.0.1:0"],
            env={"LOCKBOX_MASTER_KEY": MASTER_KEY, "EXTERNAL_API_ACCESS_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
            text=True,
            cwd=data,
            user=nobody(),
        )
        resource.setrlimit(resource.RLIMIT_CORE, limits)
        with process:
            assert any('"listening"' in line for line in process.stderr)
            yield process
            process.kill()


def test_no_core_and_no_neighbour_sees_the_keys(own_server):
    """Neither the memory nor the environment of the process, not even for others of the same user."""
    place = Path("/proc") / str(own_server.pid)
    limits = (place / "limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits
    for name in ("environ", "mem", "maps"):
        seen = subprocess.run(["head", "-c1", place / name], user=nobody(), capture_output=True)
        assert b"Permission denied" in seen.stderr and seen.stdout == b"", name
    shown = subprocess.run(["ps", "-wwp", str(own_server.pid), "-o", "args="], capture_output=True)
    assert b"serve" in shown.stdout
    assert MASTER_KEY.encode() not in shown.stdout and TOKEN.encode() not in shown.stdout
    own_server.send_signal(signal.SIGABRT)  # of which a process leaves a core, and which nobody has it ignore
    ended = os.waitid(os.P_PID, own_server.pid, os.WEXITED | os.WNOWAIT)
    assert (ended.si_code, ended.si_status) == (os.CLD_KILLED, signal.SIGABRT)
