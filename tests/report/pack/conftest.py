"""Lets the tests of this folder import the small workspace whose pack they look at."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
