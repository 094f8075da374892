# The layer check against small made-up trees, and against the real one.
# SPDX-License-Identifier: Apache-2.0
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers"


@pytest.fixture(scope="module")
def tool():
    loader = importlib.machinery.SourceFileLoader("check_layers", str(TOOL))
    spec = importlib.util.spec_from_loader("check_layers", loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


@pytest.fixture
def tree(tmp_path):
    """Call it with {path: text} to write a source tree; returns its root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def violations(tool, src, exceptions=()):
    return tool.check_tree(src, exceptions)[1]


@pytest.mark.parametrize(
    "file, include",
    [
        ("json/read.c", '#include "base/arena.h"'),
        ("json/read.c", '#include "json/json.h"'),
        ("json/read.c", '#include "json/json_internal.h"'),
        ("base/error.h", '#include "base/codes.def"'),
        ("sync/push.c", '  #  include "layout/layout.h"'),
        ("main.c", '#include "daemon/daemon.h"'),
        ("main.c", '#include "cli/cli.h"'),
        ("net/client.c", "#include <curl/curl.h>"),
        ("net/client.c", "#include <stdio.h>"),
    ],
)
def test_accepts_lower_ranks_and_the_own_folder(tool, tree, file, include):
    assert violations(tool, tree({file: include})) == []


@pytest.mark.parametrize(
    "file, include, said",
    [
        ("base/buf.c", '#include "json/json.h"', "rank 0"),
        ("store/sqlite.c", '#include "sync/sync.h"', "rank 4"),
        ("base/buf.h", "#include <json/json.h>", "rank 1"),
        ("http/router.c", '#include "json/json.h"', "same rank"),
        ("git/push.c", '#include "host/host.h"', "same rank"),
        ("cli/push.c", '#include "api/api.h"', "same rank"),
        ("sync/push.c", '#include "git/git_internal.h"', "internal to git"),
        ("api/push.c", '#include "push.h"', "folder/file.h"),
        ("api/push.c", '#include "../sync/sync.h"', "folder/file.h"),
        ("api/push.c", '#include "base/../sync/sync.h"', "folder/file.h"),
        ("api/push.c", '#include "unknown/x.h"', "folder/file.h"),
        ("unknown/x.c", "", "no folder of the table"),
        ("loose.c", "", "no folder of the table"),
    ],
)
def test_refuses_the_rest(tool, tree, file, include, said):
    found = violations(tool, tree({file: include}))
    assert len(found) == 1
    assert file in found[0] and said in found[0]


def test_names_the_line(tool, tree):
    src = tree({"base/buf.c": '#include <stdio.h>\n\n#include "json/json.h"\n'})
    assert violations(tool, src)[0].startswith("base/buf.c:3: ")


def test_an_exception_allows_exactly_its_include(tool, tree):
    src = tree({"git/push.c": '#include "host/host.h"\n#include "app/app.h"\n'})
    found = violations(tool, src, [("git/push.c", "host/host.h", "a reason")])
    assert len(found) == 1 and "app/app.h" in found[0]


def test_an_exception_that_is_not_needed_is_refused(tool, tree):
    src = tree({"git/push.c": '#include "base/buf.h"\n'})
    found = violations(tool, src, [("git/push.c", "host/host.h", "a reason")])
    assert len(found) == 1 and "not needed" in found[0]


def test_every_exception_has_a_reason(tool):
    assert all(reason.strip() for _, _, reason in tool.EXCEPTIONS)


def test_rooms_are_unique_and_in_order(tool):
    rooms = [room for _, room, _ in tool.ROOMS]
    ranks = [rank for rank, _, _ in tool.ROOMS]
    assert len(set(rooms)) == len(rooms)
    assert ranks == sorted(ranks)


def run(src):
    return subprocess.run(
        [sys.executable, TOOL, "--src", src], capture_output=True, text=True, check=False
    )


def test_exit_status_tells_the_result(tree):
    src = tree({"json/read.c": '#include "base/arena.h"'})
    assert run(src).returncode == 0
    tree({"json/bad.c": '#include "git/git.h"'})
    result = run(src)
    assert result.returncode == 1
    assert "src/json/bad.c:1: " in result.stderr


def test_a_missing_folder_is_an_error(tmp_path):
    assert run(tmp_path / "absent").returncode == 2
