"""`make bench`: every figure that README states, measured anew. `make bench BENCH=startup` runs one.

This machine is shared and noisy as a rule: ratios of runs taken in turn, and CPU seconds, hold; wall seconds
do not.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    folder = Path(__file__).parent
    wanted = sys.argv[1:]
    for path in sorted(folder.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        module = importlib.import_module(f"tests.bench.{path.stem}")
        print(f"\n{name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        for label, figure in module.bench():
            print(f"  {label:<58} {figure}", flush=True)
