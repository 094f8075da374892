# SPDX-License-Identifier: Apache-2.0
"""nginx and fcgiwrap as children that never outlive the host, whatever becomes of it.

The sockets are opened here and inherited, so that no port is picked twice and nobody can connect
too early.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time

from .gitrepo import environment

CGI_WORKERS = 8
PATIENCE_SECONDS = 3
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

NGINX_CONF = """\
{user}daemon off;
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/log/nginx-error.log warn;
events {{ worker_connections 2048; }}
http {{
    log_format requests escape=json '{log_format}';
    access_log {dir}/log/access.log requests;
    client_body_temp_path {dir}/tmp/body;
    proxy_temp_path {dir}/tmp/proxy;
    fastcgi_temp_path {dir}/tmp/fastcgi;
    uwsgi_temp_path {dir}/tmp/uwsgi;
    scgi_temp_path {dir}/tmp/scgi;
    client_max_body_size 0;
    server_tokens off;
    upstream standin {{ server unix:{sockets}/standin; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        {tls}
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Githost-Request $request_id;
        proxy_set_header X-Githost-Base $scheme://$http_host;
        proxy_set_header X-Githost-Target $request_uri;
        location /api/v3/ {{
            proxy_pass http://standin;
            proxy_intercept_errors on;
            error_page 444 = @hang_up;
        }}
        location @hang_up {{ return 444; }}
        location = /git-check {{
            internal;
            proxy_pass http://standin;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header X-Githost-Request $request_id;
            proxy_set_header X-Githost-Target $request_uri;
        }}
        location @git_refusal {{
            rewrite ^ /git-refusal break;
            proxy_method GET;
            proxy_pass http://standin;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header X-Githost-Request $request_id;
            proxy_set_header X-Githost-Target $request_uri;
        }}
        location ~ ^/[^/]+/[^/]+/(?<git_rest>info/refs|git-upload-pack|git-receive-pack)$ {{
            auth_request /git-check;
            auth_request_set $git_repository $upstream_http_x_githost_repository;
            error_page 403 = @git_refusal;
            fastcgi_pass unix:{sockets}/cgi;
            fastcgi_read_timeout 300;
            fastcgi_request_buffering on;
            fastcgi_param SCRIPT_FILENAME {git_exec}/git-http-backend;
            fastcgi_param GIT_PROJECT_ROOT {git_root};
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param GIT_CONFIG_NOSYSTEM 1;
            fastcgi_param GIT_CONFIG_GLOBAL /dev/null;
            fastcgi_param GIT_PROTOCOL $http_git_protocol;
            fastcgi_param PATH {path};
            fastcgi_param PATH_INFO /$git_repository.git/$git_rest;
            fastcgi_param REMOTE_USER x-access-token;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
        }}
        location / {{ return 404; }}
    }}
}}
"""
TLS_CONF = """\
listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {dir}/tls/server.pem;
        ssl_certificate_key {dir}/tls/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;"""


def listen_tcp(port):
    """A listening loopback socket; port 0 lets the kernel choose.

    The protocol is named because asyncio switches Nagle's delay off only where it is.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(511)
    return listener


def listen_unix(path):
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(511)
    return listener


def _die_with_parent():
    """Runs in the child before exec: the kernel ends it when the host is gone."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class MissingProgram(Exception):
    """A program that the host is made of is not installed."""


def find_program(name):
    """The path of a program; Debian keeps servers in a folder that users do not have in PATH."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise MissingProgram(f"{name} is not installed; tools/deps.sh installs it")
    return path


class Children:
    """One process group of its own; start adds, stop ends it, watch tells when one is gone."""

    def __init__(self, log_folder):
        self._log_folder = log_folder
        self._processes = []

    def start(self, command, **options):
        log = (self._log_folder / f"{os.path.basename(command[0])}.log").open("ab")
        group = self._processes[0].pid if self._processes else 0
        with log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, process_group=group, preexec_fn=_die_with_parent,
                **({"stdin": subprocess.DEVNULL} | options),
            )  # fmt: skip
        self._processes.append(process)

    async def watch(self):
        """Returns when a child has ended by itself, with a sentence about it."""
        while True:
            for process in self._processes:
                if _has_ended(process):
                    return f"{process.args[0]} ended by itself, see {self._log_folder}"
            await asyncio.sleep(0.2)

    def stop(self):
        """Ends the whole group, first politely."""
        for process in self._processes:
            process.terminate()
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up and not all(map(_has_ended, self._processes)):
            time.sleep(0.01)
        if self._processes:
            os.killpg(self._processes[0].pid, signal.SIGKILL)
        for process in self._processes:
            process.wait()


def _has_ended(process):
    """Leaves the zombie, so that its number, which is the group's, stays taken."""
    how = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, how) is not None


def start_cgi(children, sockets):
    """Several fcgiwrap processes on one socket; its own prefork would leave orphans behind."""
    command = [find_program("fcgiwrap"), "-c", "1"]
    with listen_unix(sockets / "cgi") as listener:
        for _ in range(CGI_WORKERS):
            children.start(command, stdin=listener, env=environment())


def start_nginx(children, folder, sockets, git_root, listener, tls_listener, log_format):
    """nginx on the listening sockets given; tls_listener is None without TLS."""
    for name in ("tmp", "log"):
        (folder / name).mkdir(exist_ok=True)
    tls = ""
    inherited = [listener]
    if tls_listener:
        tls = TLS_CONF.format(port=tls_listener.getsockname()[1], dir=folder)
        inherited.append(tls_listener)
    config = folder / "nginx.conf"
    config.write_text(
        NGINX_CONF.format(
            user="user root;\n" if os.getuid() == 0 else "",
            dir=folder,
            sockets=sockets,
            git_root=git_root,
            git_exec=_git_exec_path(),
            path=os.environ.get("PATH", os.defpath),
            port=listener.getsockname()[1],
            tls=tls,
            log_format=log_format,
        )
    )
    numbers = [sock.fileno() for sock in inherited]
    error_log = f"{folder}/log/nginx-error.log"
    children.start(
        [find_program("nginx"), "-c", str(config), "-p", str(folder), "-e", error_log],
        pass_fds=numbers,
        env=os.environ | {"NGINX": "".join(f"{number};" for number in numbers)},
    )


def _git_exec_path():
    command = [find_program("git"), "--exec-path"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return found.stdout.strip()
