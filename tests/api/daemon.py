# SPDX-License-Identifier: Apache-2.0
"""One running `gitsync serve`: starts it, waits until it listens, keeps its log, stops it.

Knows nothing of the API.
"""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("GITSYNC_BIN", str(ROOT / "build" / "gitsync"))
TOKEN = "Zm9v-pipeline.token_of~the+tests"
MASTER_KEY = "5c" * 32
PASSED_ON = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
START_SECONDS = 30
STOP_SECONDS = 60  # calls in flight get nine of them, and a sanitizer looks for leaks at the end


class DaemonError(Exception):
    """It did not start, or did not stop as it should; the text has its log."""


class Daemon:
    """settings are those of `gitsync serve --help`, such as body_limit="1M"."""

    def __init__(self, data, **settings):
        self.data = Path(data)
        self.settings = {"listen": "127.0.0.1:0", "log_level": "debug"} | settings
        self.crash_at = None  # a crash point of builds with test hooks (src/base/crash.h)
        self.clock_file = None  # that moves its wall clock, also of such builds (src/base/clock.h)
        self.address = None
        self._process = None
        self._reader = None
        self._lines = []
        self._changed = threading.Condition()

    def start(self):
        self._process = subprocess.Popen(
            [PROGRAM, "serve", f"--data={self.data}", *self._flags()],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        if self._reader:
            self._reader.join()  # the end of an earlier run's log belongs before this one's
        self._reader = threading.Thread(
            target=self._read_log, args=(self._process.stderr,), daemon=True
        )
        first = len(self._lines)
        self._reader.start()
        self.address = self._wait_for("listening", first)["address"]
        return self

    def _flags(self):
        return [f"--{key.replace('_', '-')}={value}" for key, value in self.settings.items()]

    def _environment(self):
        secrets = {"EXTERNAL_API_ACCESS_TOKEN": TOKEN, "LOCKBOX_MASTER_KEY": MASTER_KEY}
        crash = {"GS_CRASH_AT": self.crash_at} if self.crash_at else {}
        clock = {"GS_CLOCK_SHIFT_MS": str(self.clock_file)} if self.clock_file else {}
        passed = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        return secrets | crash | clock | passed

    def _read_log(self, stream):
        for line in stream:
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._lines.append("")
            self._changed.notify_all()
        stream.close()

    def _wait_for(self, event, first):
        """The log entry of that event; an empty line tells that the log has ended."""

        def found():
            return [line for line in self._lines[first:] if f'"{event}"' in line or not line]

        with self._changed:
            arrived = self._changed.wait_for(found, START_SECONDS)
        if not arrived or not found()[0]:
            self._process.kill()
            self._process.wait()
            raise DaemonError("gitsync did not start:\n" + self.log())
        return json.loads(found()[0])

    def stop(self):
        """SIGTERM; everything that was asked for is done or settled when it returns."""
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise DaemonError(f"gitsync did not stop within {STOP_SECONDS} s:\n{self.log()}")
        if status != 0:
            raise DaemonError(f"gitsync ended with status {status}:\n{self.log()}")

    def restart(self):
        self.stop()
        return self.start()

    def kill(self):
        """As a power cut does; nothing is finished or told."""
        self._process.kill()
        self._process.wait()

    def wait_killed(self):
        """Waits until it died at its crash point."""
        status = self._process.wait(STOP_SECONDS)
        if status != -signal.SIGKILL:
            raise DaemonError(f"gitsync ended with status {status}:\n{self.log()}")

    @property
    def pid(self):
        return self._process.pid

    @property
    def log_size(self):
        """How many lines the log has; for log()."""
        return len(self._lines)

    def log(self, first=0):
        return "\n".join(self._lines[first:])
