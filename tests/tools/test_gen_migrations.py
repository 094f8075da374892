# The generated table of migrations, compiled and read back by a small C program.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "gen_migrations.py"

HEADER = """
#include <stddef.h>
struct gs_migration { unsigned number; const char *name; const char *sql; };
extern const struct gs_migration gs_migrations[];
extern const size_t gs_migrations_count;
"""
MAIN = """
#include "store/store_internal.h"
#include <stdio.h>
int main(void)
{
    for (size_t i = 0; i < gs_migrations_count; i++)
        printf("%u %s\\n%s\\n--\\n", gs_migrations[i].number, gs_migrations[i].name,
               gs_migrations[i].sql);
    return 0;
}
"""


def generate(folder, files):
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return subprocess.run(
        [sys.executable, TOOL, folder / "migrations.c", *(folder / name for name in files)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_text_survives_the_compiler(tmp_path):
    files = {
        "0001_initial.sql": "CREATE TABLE a (\n\tb TEXT DEFAULT 'it''s \"c\"'\n) STRICT;\n",
        "0002_more_things.sql": "-- back\\slash ??= %s ü\nSELECT 1;",
    }
    assert generate(tmp_path, files).returncode == 0
    (tmp_path / "store").mkdir()
    (tmp_path / "store/store_internal.h").write_text(HEADER)
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-std=gnu17", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{tmp_path}"]
    sources = [tmp_path / "migrations.c", tmp_path / "main.c"]
    subprocess.run(["cc", *flags, "-o", tmp_path / "show", *sources], check=True)
    shown = subprocess.run([tmp_path / "show"], capture_output=True, check=True).stdout.decode()
    first, second = files.values()
    assert shown == f"1 initial\n{first}\n--\n2 more_things\n{second}\n--\n"


@pytest.mark.parametrize(
    "files, said",
    [
        ({"0002_late.sql": "SELECT 1;"}, "expected number 0001"),
        ({"0001_a.sql": "SELECT 1;", "0003_b.sql": "SELECT 1;"}, "expected number 0002"),
        ({"0001_a.sql": "SELECT 1;", "0001_b.sql": "SELECT 1;"}, "expected number 0002"),
        ({"1_a.sql": "SELECT 1;"}, "NNNN_words.sql"),
        ({"0001_a.sql": "  \n"}, "empty"),
        ({"0001_a.sql": "SELECT\x001;"}, "control characters"),
        ({"0001_a.sql": "SELECT 1;\r\n"}, "control characters"),
    ],
)
def test_what_is_refused(tmp_path, files, said):
    done = generate(tmp_path, files)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "migrations.c").exists()
