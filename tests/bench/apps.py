# SPDX-License-Identifier: Apache-2.0
"""Documents to push and repositories to push into."""

from jsbytes import to_js_bytes
from make_app import app_v2_of, make_app

KB, MB = 1 << 10, 1 << 20


def fill(repo, files):
    """Other people's files, a hundred to a folder."""
    content = {f"folder{i // 100}/file{i}.txt": f"file {i}\n" for i in range(files)}
    repo.commit_files("main", content, "Files of other people")


def revisions(seed, size):
    """Ever new revisions of one app, each of the same size."""
    app = make_app(seed, name=f"Bench {seed}", size=size)
    version = app_v2_of(app)["appVersions"][0]
    number = 0
    while True:
        number += 1
        version["createdAt"] = f"2026-01-01T00:{number // 60000:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"
        yield to_js_bytes(app)
