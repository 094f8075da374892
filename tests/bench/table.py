# SPDX-License-Identifier: Apache-2.0
"""Timing, rows and the table."""

import statistics
import time


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def host_seconds(host, repo):
    """What the host itself spent on the exchanges since its log was reset."""
    entries = [e for e in host.requests() if f"/{repo.name}.git/" in e["path"]]
    return sum(entry["seconds"] for entry in entries)


def _milliseconds(seconds):
    return round(1000 * seconds, 2)


def compare(case, ours, theirs, bound, host=None, floor=None):
    """host: what the host spent of ours; floor: the bare exchange, by hand."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    row = {
        "case": case,
        "gitsyncMs": _milliseconds(mine),
        "otherMs": _milliseconds(other),
        "ratio": round(mine / other, 3),
        "bound": bound,
        "runs": len(ours),
        "gitsyncSpreadMs": [_milliseconds(min(ours)), _milliseconds(max(ours))],
        "otherSpreadMs": [_milliseconds(min(theirs)), _milliseconds(max(theirs))],
    }
    for name, seconds in (("hostMs", host), ("floorMs", floor)):
        if seconds:
            row[name] = _milliseconds(statistics.median(seconds))
    return row


def print_table(rows):
    print(f"{'case':42} {'gitsync ms':>11} {'of it host':>11} {'floor ms':>9} {'other ms':>9} {'ratio':>7} {'bound':>6}")
    for row in rows:
        bound = row["bound"]
        kept = bound is None or (row["ratio"] >= bound if row.get("atLeast") else row["ratio"] <= bound)
        print(
            f"{row['case']:42} {row.get('gitsyncMs', ''):>11} {row.get('hostMs', ''):>11} {row.get('floorMs', ''):>9} "
            f"{row.get('otherMs', ''):>9} {row['ratio']:>7} {'' if bound is None else bound:>6}"
            f"{'' if kept else '  missed'}"
        )
