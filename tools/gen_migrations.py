#!/usr/bin/env python3
# Turns numbered SQL files (0001_initial.sql, ...) into a C table of struct gs_migration. It knows
# nothing of what the SQL means; the store applies it.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys

NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "?": "\\?"}


def parse_name(path):
    match = NAME.fullmatch(path.name)
    if not match:
        raise ValueError(f"{path.name}: a migration is named NNNN_words.sql")
    return int(match[1]), match[2]


def c_literal(sql):
    """One C string literal per line of SQL, so that the generated file can be read."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", sql)
    escaped = ("".join(ESCAPES.get(c, c) for c in line) for line in lines)
    return "\n".join(f'     "{text}"' for text in escaped)


def read_sql(path):
    sql = path.read_bytes().decode("utf-8")
    control = [c for c in sql if ord(c) < 32 and c not in "\n\t"]
    if not sql.strip() or control:
        raise ValueError(f"{path.name}: is empty or has control characters")
    return sql


def generate(paths):
    entries = []
    for expected, path in enumerate(paths, start=1):
        number, name = parse_name(path)
        if number != expected:
            raise ValueError(f"{path.name}: expected number {expected:04d} here, without gaps")
        entries.append(f'    {{{number}, "{name}",\n{c_literal(read_sql(path))}}},')
    return "\n".join(
        [
            "// Generated from the SQL files by tools/gen_migrations.py.",
            '#include "store/store_internal.h"',
            "",
            "const struct gs_migration gs_migrations[] = {",
            *entries,
            "};",
            "const size_t gs_migrations_count = sizeof gs_migrations / sizeof gs_migrations[0];",
            "",
        ]
    )


def main(argv):
    if len(argv) < 3:
        print("usage: gen_migrations.py OUTPUT.c FILE.sql...", file=sys.stderr)
        return 2
    try:
        text = generate([pathlib.Path(name) for name in argv[2:]])
    except (OSError, ValueError) as error:
        print(f"gen_migrations: {error}", file=sys.stderr)
        return 1
    pathlib.Path(argv[1]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
