# SPDX-License-Identifier: Apache-2.0
"""What `make demo` and `make run` show works: the five calls as they are printed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from githost.gitrepo import environment

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("GITSYNC_BIN", ROOT / "build" / "gitsync")).resolve()
SECONDS = 60
COMMIT = "First version from the demo"

pytestmark = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("fcgiwrap")), reason="needs nginx and fcgiwrap"
)


@pytest.fixture
def demo(tmp_path):
    """Command and environment of a demo in a folder of its own, so that it is in nobody's way."""
    (tmp_path / "gitsync").symlink_to(PROGRAM)

    def make(mode):
        command = [sys.executable, ROOT / "tools" / "demo.py", mode]
        return command, os.environ | {"BUILD": str(tmp_path), "PYTHONUNBUFFERED": "1"}

    return make


def test_the_demo_plays_the_five_calls(demo):
    command, variables = demo("play")
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = re.findall(r"^-> (\d+)$", done.stdout, re.MULTILINE)
    assert answers == ["201", "200", "201", "200", "200"]
    assert f"gitsync[bot]: {COMMIT}" in done.stdout
    assert done.stdout.endswith("git fsck --strict: clean\n")


def test_the_printed_calls_work_as_pasted(demo):
    command, variables = demo("run")
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as running:
        try:
            told = []
            for line in running.stdout:
                told.append(line)
                if line.startswith("Ctrl-C"):
                    break
            calls = [line for line in told if line.startswith("curl ")]
            assert len(calls) == 5, "".join(told)
            for call in calls:
                answer = subprocess.check_output(["sh", "-c", call], text=True, timeout=SECONDS)
                assert "statusCode" not in json.loads(answer), answer
            folder = re.search(r"git host is (.*)$", "".join(told), re.MULTILINE)[1]
            log = ["git", "-C", folder, "log", "--format=%s", "main"]
            assert COMMIT in subprocess.check_output(log, env=environment(), text=True)
        finally:
            running.send_signal(signal.SIGTERM)
    assert running.returncode == 0
