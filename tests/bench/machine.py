# SPDX-License-Identifier: Apache-2.0
"""Describes the machine that figures were measured on."""

import os
import platform
import subprocess


def _first_value(path, key):
    with open(path) as file:
        for line in file:
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    return "unknown"


def describe():
    facts = {
        "cpu": _first_value("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _first_value("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "git": subprocess.check_output(["git", "--version"], text=True).strip(),
    }
    facts["text"] = f"{facts['cores']} cores {facts['cpu']}, {facts['memory']}, {facts['git']}"
    return facts
