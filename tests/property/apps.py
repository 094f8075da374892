# SPDX-License-Identifier: Apache-2.0
"""App documents as hypothesis draws them, and edits of single members with their outcome.

Knows the form of a document, not how the program merges: the outcome of a merge is worked out here
a second time, in the plainest way there is.
"""

import copy

from hypothesis import strategies as st

LISTS = {
    "components": "component",
    "pages": "page",
    "dataQueries": "query",
    "unknownThings": "unknownThings",
}
CHARACTERS = "aZ 0/~\"\\\n\x1f\x7fäא你🛠\u2028\ufeff"
TEXT = st.text(CHARACTERS + "\x00", max_size=4)
# Reports name members by C strings, which end at a NUL.
NAMES = st.text(CHARACTERS, max_size=4)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-999999, 999999), TEXT)
# Lists hold no objects, so that none is merged by id.
VALUES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)
ENTITIES = st.dictionaries(
    st.sampled_from(["name", "properties", "styles", "options", "", "a/b~c"]), VALUES, max_size=3
)


@st.composite
def entity_lists(draw):
    """Lists by name; every id occurs once in a list."""
    lists = {}
    for name in LISTS:
        ids = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=4))
        lists[name] = [{"id": entity_id} | draw(ENTITIES) for entity_id in ids]
    return lists


def wrap(lists, **members):
    app = {"id": "A", "name": "App", **members, **lists}
    app["appVersions"] = [{"id": "V", "name": "v1"}]
    return {"app": [{"definition": {"appV2": app}}], "tooljet_version": "3.20.45"}


documents = st.builds(wrap, entity_lists(), settings=VALUES)


def app_of(document):
    return document["app"][0]["definition"]["appV2"]


def entities_of(document):
    """Every entity by (list, id); fails when an id is there twice."""
    found = {}
    for name in (*LISTS, "appVersions"):
        for element in app_of(document)[name]:
            assert (name, element["id"]) not in found
            found[name, element["id"]] = element
    return found


def leaves_of(document):
    """The paths to all members that are no objects: (list, id, member, …)."""
    paths = []

    def walk(path, value):
        if isinstance(value, dict) and value:
            for name, inner in value.items():
                if name != "id" or len(path) > 2:
                    walk((*path, name), inner)
        elif len(path) > 2:
            paths.append(path)

    for (name, entity_id), element in entities_of(document).items():
        if name in LISTS:
            walk((name, entity_id), element)
    return paths


@st.composite
def edits(draw, document):
    """New values for some of the leaves."""
    leaves = leaves_of(document)
    if not leaves:
        return {}
    chosen = draw(st.lists(st.sampled_from(leaves), unique=True, max_size=6))
    return {path: draw(SCALARS) for path in chosen}


def edited(document, changes):
    result = copy.deepcopy(document)
    entities = entities_of(result)
    for (name, entity_id, *members, last), value in changes.items():
        holder = entities[name, entity_id]
        for member in members:
            holder = holder[member]
        holder[last] = value
    return result


def value_at(document, path):
    value = entities_of(document)[path[:2]]
    for member in path[2:]:
        value = value[member]
    return value


def pointer(path):
    """JSON Pointer below the entity."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path[2:])
