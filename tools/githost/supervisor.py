# SPDX-License-Identifier: Apache-2.0
"""Puts the host together: keys, sockets, children, servers; tells host.json; takes all down."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from . import children, httpd, journal, keys
from .accounts import Accounts
from .admin import Admin, fill_defaults
from .faultproxy import FaultProxy
from .faults import Faults
from .repositories import Repositories
from .standin import StandIn

LONGEST_SOCKET_FOLDER = 80  # a unix socket's path must stay below 108 bytes, its name included
STDIN = 0
DEFAULT_APP, DEFAULT_INSTALLATION, DEFAULT_OWNER, DEFAULT_SLUG = 12345, 100, "acme", "gitsync"


@contextlib.contextmanager
def socket_folder(folder):
    """The host's own folder where its path is short enough, else a temporary one."""
    wanted = folder / "run"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_FOLDER:
        wanted.mkdir(exist_ok=True)
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="githost-", dir="/tmp") as short:
        yield Path(short)


class Host:
    """One host below one folder; run() serves until it is told to stop."""

    def __init__(self, options):
        self.options = options
        self.folder = Path(options.dir).resolve()
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        self.json_file = self.folder / "host.json"
        self.children = children.Children(self.folder / "log")
        self.accounts = Accounts()
        self.repositories = Repositories(self.folder / "git")
        self.faults = Faults()
        self.journal = journal.Journal(self.folder / "log" / "access.log")
        self.admin = Admin(self.folder, self.accounts, self.repositories, self.faults, self.journal)

    async def run(self):
        """Gives the exit status."""
        stopped = self._stop_signals()
        with socket_folder(self.folder) as sockets:
            try:
                told = await self._start(sockets)
                self._tell(told)
                died = asyncio.ensure_future(self.children.watch())
                await asyncio.wait([stopped, died], return_when=asyncio.FIRST_COMPLETED)
                if stopped.done():
                    return 0
                print(f"githost: {died.result()}", file=sys.stderr)
                return 1
            finally:
                self.json_file.unlink(missing_ok=True)
                self.children.stop()

    def _stop_signals(self):
        """A future that is done at SIGTERM, SIGINT or, with --lifeline, at the end of stdin."""
        loop = asyncio.get_running_loop()
        stopped = loop.create_future()

        def stop():
            if not stopped.done():
                stopped.set_result(None)

        def read_lifeline():
            if not os.read(STDIN, 4096):
                loop.remove_reader(STDIN)
                stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        if self.options.lifeline:
            loop.add_reader(STDIN, read_lifeline)
        return stopped

    async def _start(self, sockets):
        """Starts everything and gives what host.json tells."""
        options = self.options
        app = fill_defaults(
            self.admin, DEFAULT_APP, DEFAULT_INSTALLATION, DEFAULT_OWNER, DEFAULT_SLUG
        )
        plain = children.listen_tcp(options.port)
        secure = children.listen_tcp(options.tls_port) if options.tls else None
        admin = children.listen_tcp(options.admin_port)
        fault = children.listen_tcp(options.fault_port)
        ports = {"plain": _port(plain), "admin": _port(admin), "fault": _port(fault)}
        if secure:
            ports["secure"] = _port(secure)
        self._start_children(sockets, plain, secure)
        standin = StandIn(self.accounts, self.repositories, self.faults, self.journal)
        proxy = FaultProxy(
            self.faults, self.journal, self.accounts, self.repositories, ports["plain"]
        )
        await _serve(httpd.make_server(standin.answer), children.listen_unix(sockets / "standin"))
        await _serve(httpd.make_server(self.admin.answer), admin)
        await _serve(proxy.serve, fault)
        await _wait_until_answering(ports["plain"])
        await self.journal.reset()
        return self._description(app, ports)

    def _start_children(self, sockets, plain, secure):
        """nginx inherits the listening sockets; what is left here is closed."""
        if secure:
            keys.ensure_certificates(self.folder / "tls")
        root = self.repositories.root
        with contextlib.ExitStack() as closing:
            for listener in filter(None, (plain, secure)):
                closing.enter_context(listener)
            children.start_nginx(
                self.children, self.folder, sockets, root, plain, secure, journal.LOG_FORMAT
            )
        children.start_cgi(self.children, sockets)

    def _description(self, app, ports):
        plain, admin, fault = (f"http://127.0.0.1:{ports[n]}" for n in ("plain", "admin", "fault"))
        secure = f"https://localhost:{ports['secure']}" if "secure" in ports else None
        return {
            "apiUrl": f"{plain}/api/v3",
            "gitBase": plain,
            "apiUrlTls": secure and f"{secure}/api/v3",
            "gitBaseTls": secure,
            "caFile": str(self.folder / "tls" / "ca.pem") if secure else None,
            "faultApiUrl": f"{fault}/api/v3",
            "faultGitBase": fault,
            "adminUrl": admin,
            "owner": DEFAULT_OWNER,
            "appId": str(DEFAULT_APP),
            "appSlug": DEFAULT_SLUG,
            "installationId": str(DEFAULT_INSTALLATION),
            "privateKeyFile": app["privateKeyFile"],
            "pkcs8File": app["pkcs8File"],
            "gitRoot": str(self.repositories.root),
            "logDir": str(self.folder / "log"),
            "pid": os.getpid(),
        }

    def _tell(self, description):
        """host.json appears whole and only now; the line on stdout says so too."""
        fresh = self.json_file.with_suffix(".new")
        fresh.write_text(json.dumps(description, indent=2) + "\n")
        fresh.rename(self.json_file)
        print(self.json_file, flush=True)


def _port(listener):
    return listener.getsockname()[1]


async def _serve(callback, listener):
    await asyncio.start_server(callback, sock=listener, limit=httpd.MAX_HEAD, backlog=511)


async def _wait_until_answering(port):
    """The socket takes connections before nginx does; an answer shows that nginx is up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), timeout=20)
    writer.close()
    if not answer.startswith(b"HTTP/1.1 404"):
        raise RuntimeError("nginx does not answer as it should")
