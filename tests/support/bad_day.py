"""The library of bad days, which the benchmarks use too: it is not installed, only found beside the tests."""

import sys
from pathlib import Path

# Last, so that an installed gateway is the one that is tested.
sys.path.append(str(Path(__file__).parents[2]))

from bench.bad_day import BROKEN, FULL, READ_ONLY, BadDay, compiled

__all__ = ["BROKEN", "FULL", "READ_ONLY", "BadDay", "compiled"]
