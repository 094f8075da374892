# SPDX-License-Identifier: Apache-2.0
"""How the property tests find the programs that the build makes for them."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "fixtures")]


@pytest.fixture(scope="session")
def build():
    """The build folder: where the server is, or would be."""
    return Path(os.environ.get("GITSYNC_BIN", ROOT / "build" / "gitsync")).parent
