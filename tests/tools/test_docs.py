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


def test_every_route_is_described():
    paths = json.loads(reference("openapi"))["paths"]
    source = (ROOT / "src" / "api" / "routes.c").read_text()
    patterns = re.findall(r'"(?:GET|POST|PUT|DELETE)",\s*(?:BASE )?"(/[A-Za-z:/.-]+)"', source)
    assert len(patterns) > 10
    for pattern in patterns:
        ending = re.sub(r":(\w+)", r"{\1}", pattern)
        assert any(path.endswith(ending) for path in paths), pattern


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
