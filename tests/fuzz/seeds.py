# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets below a folder, made from tests/fixtures: seeds.py FOLDER."""

import copy
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))

import repos  # noqa: E402
from jsbytes import to_js_bytes  # noqa: E402
from make_app import app_v2_of, make_ancient_app, make_app  # noqa: E402

SMALL = {"components": 2, "queries": 1, "events": 1}
ID = "1" * 40
OTHER = "2" * 40


def documents():
    """Documents alone, and two or three that differ."""
    app = make_app("seed", **SMALL)
    ours, theirs = copy.deepcopy(app), copy.deepcopy(app)
    app_v2_of(ours)["components"][0]["name"] = "ours"
    app_v2_of(theirs)["components"].pop()
    several = make_app("several", versions=("v1", "v2"), **SMALL)
    yield "plain", to_js_bytes(app)
    yield "database", to_js_bytes(make_app("database", database=True, odd_text=True, **SMALL))
    yield "unknown", to_js_bytes(make_app("unknown", unknown=True, **SMALL))
    yield "ancient", to_js_bytes(make_ancient_app())
    yield "several", to_js_bytes(several)
    yield "pair", b"\0".join(map(to_js_bytes, (app, ours)))
    yield "three", b"\0".join(map(to_js_bytes, (app, ours, theirs)))


def metas():
    """A file of each kind, and damaged ones."""
    app = repos.app_named("A", **SMALL)
    entry = {"appPath": "apps/A", "updatedAt": "2026-03-02T09:00:00.000Z"}
    module = {"appPath": "modules/M", "updatedAt": "2026-03-02T09:00:00.000Z"}
    yield "single", b"m" + repos.meta_bytes([app, repos.app_named("B", **SMALL)])
    yield "apps", b"a" + to_js_bytes({"a": entry, "b": entry | {"appPath": "apps/x/B"}})
    yield "modules", b"o" + to_js_bytes({"m": module})
    yield "cut", b"m" + repos.meta_bytes([app])[:60]
    yield "list", b"a[]"
    yield "twice", b'm{"a": {}, "a": {}}'


def tree(files):
    """What fuzz_files takes apart."""
    return b"\0".join(path.encode() + b"\n" + content for path, content in files.items())


def trees():
    """Trees of both layouts."""
    app = make_app("T", name="T", release="3.21", pages=1, components=1, queries=1, events=1)
    meta = {app_v2_of(app)["id"]: {"appPath": "apps/T", "updatedAt": "2026-03-02T09:00:00.000Z"}}
    entities = repos.per_entity_files(app, "apps/T")
    yield "entities", tree({".meta/appMeta.json": to_js_bytes(meta)} | entities)
    yield "single", tree(repos.single_file_tree([repos.app_named("T", **SMALL)]))
    bare = {
        ".meta/appMeta.json": b'{"a":{"appPath":"apps/A"}}',
        "apps/A/app/app.json": b'{"id":"a","name":"A"}',
        "apps/A/versions/v.json": b'{"id":"v"}',
        "apps/A/pages/p.json": b'{"id":"p","appVersionId":"v"}',
        "apps/A/components/c.json": b'{"id":"c","pageId":"p","layouts":[]}',
    }
    yield "bare", tree(bare)
    two = bare | {"apps/A/versions/w.json": b'{"id":"w","name":"w2","parentVersionId":"v"}'}
    yield "two-versions", tree(two)
    lean = {
        ".meta/meta.json": b'{"a":{"gitAppName":"A","gitVersionId":"v","gitVersionName":"v1"}}',
        "A/v1.json": b'{"appV2":{"id":"a","name":"A","appVersions":[{"id":"v","name":"v1"}],'
        b'"editingVersion":{"id":"v","name":"v1"}}}',
    }
    yield "lean", tree(lean)


def packet(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"%04x" % (len(data) + 4) + data


def wires():
    """Advertisements of both services and reports, whole and cut."""
    able = "multi_ack side-band-64k ofs-delta report-status symref=HEAD:refs/heads/main agent=git/2"
    refs = packet(f"{ID} HEAD\0{able}\n") + packet(f"{ID} refs/heads/main\n")
    tags = packet(f"{OTHER} refs/tags/v1\n") + packet(f"{ID} refs/tags/v1^{{}}\n") + b"0000"
    for kind, service in ((b"u", "git-upload-pack"), (b"r", "git-receive-pack")):
        start = kind + packet(f"# service={service}\n") + b"0000"
        yield f"advert-{service}", start + refs + tags
        yield f"empty-{service}", start + packet(f"{'0' * 40} capabilities^{{}}\0{able}\n") + b"0000"
    ok = packet("unpack ok\n") + packet("ok refs/heads/main\n") + b"0000"
    no = packet("unpack ok\n") + packet("ng refs/heads/main non-fast-forward\n") + b"0000"
    hook = packet(b"\x02remote: no\r\n") + packet(b"\x01" + no) + b"0000"
    yield "report-ok", b"\x05" + packet(b"\x01" + ok) + b"0000"
    yield "report-no", b"\x03" + hook
    yield "report-plain", b"\x01" + ok
    yield "report-fatal", b"\x02" + packet(b"\x03fatal: out of room\n")
    yield "report-cut", b"\x02" + hook[:20]


def record(kind, content, distance=0):
    return len(content).to_bytes(2, "big") + bytes((kind, distance)) + content


def packs():
    """Packs by hand and lists of entries."""
    entry = bytes((0x30 | 5,)) + zlib.compress(b"hello")
    yield "raw", b"pPACK\0\0\0\2\0\0\0\1" + entry
    yield "raw-empty", b"pPACK\0\0\0\2\0\0\0\0"
    yield "blob", b"e" + record(3, b"0123456789")
    delta = b"\x0a\x0d\x90\x05\x03new\x91\x05\x05"
    yield "delta", b"e" + record(3, b"0123456789") + record(7, delta)
    yield "offset", b"e" + record(3, b"0123456789") + record(6, delta, 22)
    commit = f"tree {ID}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nm\n".encode()
    yield "commit", b"e" + record(1, commit) + record(2, b"100644 a\0" + bytes(20))


TARGETS = {"document": documents, "meta": metas, "tree": trees, "wire": wires, "pack": packs}


def main(folder):
    for target, seeds in TARGETS.items():
        place = Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        for name, content in seeds():
            (place / name).write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
