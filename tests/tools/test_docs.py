# SPDX-License-Identifier: Apache-2.0
"""The pages that the program writes itself are in docs/ as it would write them today."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("GITSYNC_BIN", str(ROOT / "build" / "gitsync"))


def reference(page):
    return subprocess.run([PROGRAM, "reference", page], check=True, capture_output=True).stdout


@pytest.mark.parametrize("page", ["settings", "errors"])
def test_pages_are_up_to_date(page):
    assert (ROOT / "docs" / f"{page}.md").read_bytes() == reference(page), (
        f"run: gitsync reference {page} > docs/{page}.md"
    )


def test_every_call_is_described_and_every_described_one_is_there():
    paths = json.loads(reference("openapi"))["paths"]
    calls = [
        (method.upper(), re.sub(r"\{(\w+)\}", r":\1", path), call["summary"])
        for path, methods in paths.items()
        for method, call in methods.items()
    ]
    rows = re.findall(
        r"^\| `([A-Z]+) (/\S+)` \| (.*) \|$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE
    )
    assert sorted(rows) == sorted(calls)


def test_every_path_in_the_text_is_a_call():
    paths = json.loads(reference("openapi"))["paths"]
    known = {re.sub(r"\{\w+\}", ":", path) for path in paths}
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for path in re.findall(r"`[A-Z]+ (/api/ext/[\w:/-]+)", page.read_text()):
            assert re.sub(r":\w+", ":", path) in known, f"{page.name}: {path}"


def test_the_table_of_rooms_has_every_file():
    rows = re.findall(
        r"^\| \d \| `(\w+)` \| (.*) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )
    for room, text in rows:
        files = {path.stem for path in (ROOT / "src" / room).glob("*.c")}
        named = set(re.findall(r"`(\w+)`", text))
        assert files == named, f"{room}: {sorted(files ^ named)}"
    rooms = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert {room for room, _ in rows} == rooms


def test_links_between_the_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
