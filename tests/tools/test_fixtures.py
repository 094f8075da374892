# SPDX-License-Identifier: Apache-2.0
"""The app documents that the tests and the demo are made of: their bytes, their order, their links."""

import json
import math
import random
import re
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import repos
from githost.gitrepo import GitRepo
from jsbytes import js_number, to_js_bytes
from make_app import app_v2_of, make_ancient_app, make_app, parse_size
from sample_app import RepairShop

ROOT = Path(__file__).resolve().parents[2]
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
AS_JAVASCRIPT = """
const text = require('fs').readFileSync(0, 'utf8');
process.stdout.write(JSON.stringify(JSON.parse(text), null, 2));
"""
VARIANTS = {
    "default": {},
    "small": {"size": 10_000},
    "sized": {"size": 300_000, "pages": 3},
    "old": {"release": "2.30"},
    "cloud": {"release": "3.5", "tooljet_version": False},
    "beta": {"release": "3.21", "status": "PUBLISHED"},
    "everything": {
        "versions": ("v1", "v2", "v3"),
        "pages": 4,
        "components": 60,
        "queries": 9,
        "events": 150,
        "database": True,
        "odd_text": True,
        "unknown": True,
    },
}


def through_node(data):
    done = subprocess.run([NODE, "-e", AS_JAVASCRIPT], input=data, capture_output=True, check=True)
    return done.stdout


@needs_node
@pytest.mark.parametrize("wanted", VARIANTS.values(), ids=VARIANTS)
def test_the_bytes_are_those_of_javascript(wanted):
    data = to_js_bytes(make_app(**wanted))
    assert through_node(data) == data and not data.endswith(b"\n")


@needs_node
def test_every_number_is_written_as_javascript_writes_it():
    dice = random.Random(1)
    numbers = [0.0, -0.0, 1.0, 0.1, 1e21, 1e20, 123456789e12, 1e-6, 1e-7, 1.5e-7, 5e-324, 1e300]
    numbers += [struct.unpack("d", dice.randbytes(8))[0] for _ in range(5000)]
    numbers += [round(dice.uniform(-1e6, 1e6), dice.randrange(9)) for _ in range(1000)]
    numbers = [n for n in numbers if math.isfinite(n)]
    given = json.dumps(numbers).encode()
    assert through_node(given) == to_js_bytes(numbers)


@needs_node
def test_every_character_is_written_as_javascript_writes_it():
    text = "".join(map(chr, range(0x3000))) + "🚲\U0010ffff\ue000\uffff"
    value = {text: [text, {}, [], "", None, True, False]}
    assert through_node(json.dumps(value).encode()) == to_js_bytes(value)


def test_numbers_without_javascript():
    assert [js_number(n) for n in (1.0, 1.5, 1e21, 1e-7, -0.0)] == [
        "1",
        "1.5",
        "1e+21",
        "1e-7",
        "0",
    ]
    assert to_js_bytes({"a": [], "b": {}, "c": [1, "\x01"]}) == (
        b'{\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    "\\u0001"\n  ]\n}'
    )


@pytest.mark.parametrize("size", ["10k", "300k", "1.5m"])
def test_a_size_is_met_to_the_byte(size):
    assert len(to_js_bytes(make_app(size=parse_size(size)))) == parse_size(size)


def test_a_size_that_cannot_be_met():
    with pytest.raises(ValueError, match="too few"):
        make_app(size=100)


def test_the_same_arguments_give_the_same_document():
    assert make_app("a", **VARIANTS["everything"]) == make_app("a", **VARIANTS["everything"])
    assert app_v2_of(make_app("a"))["id"] != app_v2_of(make_app("b"))["id"]


def test_the_envelope():
    assert list(make_app()) == ["app", "tooljet_version"]
    assert list(make_app(database=True)) == ["tooljet_database", "app", "tooljet_version"]
    assert list(make_app(tooljet_version=False)) == ["app"]
    assert list(make_ancient_app()) == ["appV2"]


def entities(app):
    """(list, entity) of everything in the app that has an id of its own."""
    for name, value in app.items():
        if isinstance(value, list):
            yield from ((name, item) for item in value)


@pytest.mark.parametrize("wanted", VARIANTS.values(), ids=VARIANTS)
def test_ids_are_uuids_and_links_lead_somewhere(wanted):
    app = app_v2_of(make_app(**wanted))
    count = Counter(entity["id"] for _, entity in entities(app))
    assert max(count.values()) == 1
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(uuid.fullmatch(own_id) for own_id in count)
    ids = {name: {e["id"] for n, e in entities(app) if n == name} for name in app}
    components, pages, queries = ids["components"], ids["pages"], ids["dataQueries"]
    assert {c["pageId"] for c in app["components"]} <= pages
    assert {c["parent"][:36] for c in app["components"] if c["parent"]} <= components
    assert {p["appVersionId"] for p in app["pages"]} == ids["appVersions"]
    assert {q["dataSourceId"] for q in app["dataQueries"]} <= ids["dataSources"]
    assert {e["sourceId"] for e in app["events"]} <= components | pages | queries
    assert {o["environmentId"] for o in app["dataSourceOptions"]} <= ids["appEnvironments"]
    assert app["editingVersion"] == app["appVersions"][-1]
    assert app["editingVersion"]["homePageId"] in pages


def test_the_sample_app_is_the_one_in_examples():
    data = to_js_bytes(RepairShop().document())
    assert (ROOT / "examples" / "sample-app.json").read_bytes() == data
    app = app_v2_of(json.loads(data))
    counts = [len(app[name]) for name in ("pages", "components", "dataQueries", "events")]
    assert counts == [2, 13, 3, 6]


@pytest.mark.parametrize("name", repos.BUILDERS)
def test_fixture_repositories(name, tmp_path):
    repo, again = (GitRepo.create(tmp_path / number) for number in "12")
    apps = repos.build_repo(repo, name)
    repos.build_repo(again, name)
    assert repo.head() == again.head() and repo.fsck() == ""
    files = repo.files()
    for app in apps.values():
        assert json.loads(files[app.path]) == json.loads(to_js_bytes(app.document))
    if apps and name != "broken":
        meta = json.loads(files[".meta/meta.json"])
        assert {key: dict(sorted(entry.items())) for key, entry in meta.items()} == {
            app.git_app_id: dict(sorted(app.entry.items())) for app in apps.values()
        }


def test_the_foreign_modes_are_there(tmp_path):
    repo = GitRepo.create(tmp_path / "r")
    repos.build_repo(repo, "foreign")
    listing = repo.text("ls-tree", "-r", "main")
    assert "100755 blob" in listing and "120000 blob" in listing


def test_the_command_line_writes_a_file():
    program = ROOT / "tests" / "fixtures" / "make_app.py"
    done = subprocess.run(
        [program, "--seed", "x", "--size", "20k", "--odd-text"], capture_output=True, check=True
    )
    assert done.stdout == to_js_bytes(make_app("x", size=20_000, odd_text=True))
