# SPDX-License-Identifier: Apache-2.0
"""What holds for every merge and every difference, whatever is in the documents."""

import itertools
import json
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawn_apps import LISTS, app_of, documents, edited, edits, entities_of, pointer, value_at
from jsbytes import to_js_bytes

MERGED, CONFLICTS = 0, 1

often = settings(
    max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class Tool:
    """The program under test: one process that answers request by request."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(timeout=60) == 0

    def run(self, word, *texts):
        lengths = " ".join(str(len(text)) for text in texts)
        self.process.stdin.write(f"{word} {lengths}\n".encode() + b"".join(texts))
        self.process.stdin.flush()
        outcome, length = map(int, self.process.stdout.readline().split())
        text = self.process.stdout.read(length)
        assert outcome in (MERGED, CONFLICTS), text.decode(errors="replace")
        return outcome, text

    def merge(self, base, ours, theirs, policy="fail"):
        return self.run(policy, *map(to_js_bytes, (base, ours, theirs)))

    def merged(self, *three, policy="fail"):
        outcome, text = self.merge(*three, policy=policy)
        assert outcome == MERGED, text
        document = json.loads(text)
        assert to_js_bytes(document) == text
        return document

    def diff(self, before, after):
        return json.loads(self.run("diff", to_js_bytes(before), to_js_bytes(after))[1])


@pytest.fixture(scope="session")
def tool(build):
    program = build / "tests" / "unit" / "merge_tool"
    assert program.exists(), f"{program} is not built"
    running = Tool(program)
    yield running
    running.close()


def in_any_order(document):
    """Lists of entities as sets: their order is looked at elsewhere."""
    rest = {
        name: value
        for name, value in app_of(document).items()
        if name not in LISTS and name != "appVersions"
    }
    return rest, entities_of(document)


@often
@given(base=documents, x=documents, indent=st.sampled_from([None, 1, 2]))
def test_a_merge_with_nothing_gives_the_bytes(tool, base, x, indent):
    before = to_js_bytes(base)
    text = json.dumps(x, indent=indent, ensure_ascii=bool(indent)).encode()
    for ours, theirs in ((text, text), (before, text), (text, before)):
        assert tool.run("fail", before, ours, theirs) == (MERGED, text)


@often
@given(base=documents, ours=documents, theirs=documents)
def test_whatever_the_documents_nothing_is_dropped_or_doubled(tool, base, ours, theirs):
    old, mine, yours = map(entities_of, (base, ours, theirs))
    for policy in ("ours", "theirs"):
        result = entities_of(tool.merged(base, ours, theirs, policy=policy))
        kept = (mine.keys() & yours.keys()) | (mine.keys() - old.keys())
        kept |= yours.keys() - old.keys()
        assert kept <= result.keys() <= mine.keys() | yours.keys()
        gone = old.keys() - mine.keys() - yours.keys()
        assert not gone & result.keys()


@often
@given(base=documents, ours=documents, theirs=documents)
def test_the_sides_can_change_places(tool, base, ours, theirs):
    one = tool.merge(base, ours, theirs)
    other = tool.merge(base, theirs, ours)
    assert one[0] == other[0]
    if one[0] == CONFLICTS:
        assert conflicts_of(one[1]) == conflicts_of(other[1], ours="theirs", theirs="ours")
    assert in_any_order(tool.merged(base, ours, theirs, policy="ours")) == in_any_order(
        tool.merged(base, theirs, ours, policy="theirs")
    )


def conflicts_of(text, **turned):
    """In an order of their own; both sides may have a name for the entity, and ours is told."""
    conflicts = json.loads(text)
    for conflict in conflicts:
        del conflict["name"]
    return sorted(
        json.dumps({turned.get(k, k): v for k, v in c.items()}, sort_keys=True) for c in conflicts
    )


@often
@given(data=st.data())
def test_edits_of_members_merge_or_conflict_one_by_one(tool, data):
    base = data.draw(documents)
    mine, yours = data.draw(edits(base)), data.draw(edits(base))
    ours, theirs = edited(base, mine), edited(base, yours)
    disputed = {
        path
        for path in mine.keys() & yours.keys()
        if not same(mine[path], yours[path])
        and not same(mine[path], value_at(base, path))
        and not same(yours[path], value_at(base, path))
    }
    outcome, text = tool.merge(base, ours, theirs)
    assert outcome == (CONFLICTS if disputed else MERGED)
    if disputed:
        reported = {(c["type"], c["id"], c["member"]) for c in json.loads(text)}
        assert reported == {(LISTS[path[0]], path[1], pointer(path)) for path in disputed}
    # What a side left as it was is no edit, so the other side's counts.
    own = {path: value for path, value in mine.items() if not same(value, value_at(base, path))}
    other = {path: value for path, value in yours.items() if not same(value, value_at(base, path))}
    assert same(tool.merged(base, ours, theirs, policy="ours"), edited(base, other | own))
    assert same(tool.merged(base, ours, theirs, policy="theirs"), edited(base, own | other))


def same(a, b):
    """Equal as JSON: Python takes 1 for True."""
    return to_js_bytes(a) == to_js_bytes(b)


@often
@given(base=documents, sides=st.permutations(range(4)))
def test_order_of_either_side_is_kept(tool, base, sides):
    """Moves on one side, additions on the other: the moved order with the additions in it."""
    ours, theirs = json.loads(json.dumps(base)), json.loads(json.dumps(base))
    for name in LISTS:
        app_of(ours)[name].reverse()
        app_of(theirs)[name].append({"id": f"new {sides[0]}"})
    for three in ((base, ours, theirs), (base, theirs, ours)):
        result = app_of(tool.merged(*three))
        for name in LISTS:
            moved = [element["id"] for element in app_of(ours)[name]]
            assert [e["id"] for e in result[name] if e["id"] in moved] == moved
            assert len(result[name]) == len(moved) + 1


@often
@given(before=documents, after=documents)
def test_a_difference_names_what_differs(tool, before, after):
    report = tool.diff(before, after)
    old, new = entities_of(before), entities_of(after)
    types = LISTS | {"appVersions": "version"}

    def ids(group, keep=lambda change: True):
        return sorted(
            (c["type"], c["id"]) for c in report[group] if c["type"] != "app" and keep(c)
        )

    def named(keys):
        return sorted((types[name], entity_id) for name, entity_id in keys)

    changed = [key for key in old.keys() & new.keys() if unordered(old[key]) != unordered(new[key])]
    assert ids("added") == named(new.keys() - old.keys())
    assert ids("deleted") == named(old.keys() - new.keys())
    assert ids("modified") == named(changed)
    for change in itertools.chain(report["modified"]):
        for side in ("before", "after"):
            assert set(change[side]) <= set(change["members"])


def unordered(value):
    """A text that is the same for the same members in any order."""
    return json.dumps(value, sort_keys=True)
