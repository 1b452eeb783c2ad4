"""`make bench`: every figure that README states, measured anew. `make bench BENCH=startup` runs one.

This machine is shared and noisy as a rule: ratios of runs taken in turn, and CPU seconds, hold; wall seconds
do not.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    known = {
        path.stem.removeprefix("bench_"): path for path in sorted(Path(__file__).parent.glob("bench_*.py"))
    }
    wanted = sys.argv[1:] or list(known)
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"no benchmark is named {', '.join(unknown)}; known: {', '.join(known)}")
    for name, path in known.items():
        if name not in wanted:
            continue
        module = importlib.import_module(f"tests.bench.{path.stem}")
        print(f"\n{name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        for label, figure in module.bench():
            print(f"  {label:<58} {figure}", flush=True)
