"""What a dry run of a large study costs: wall seconds and peak memory, and where the seconds go.

    python tests/benchmarks/dry_run.py [--jobs 2000] [--profile]

A study of made tables with as many jobs as asked, nothing of it run: `snakemake -n --quiet rules`,
three times. Goal: 2,000 jobs within 6 s and 300 MB. On two CPU cores:

      wall 5.1 s, CPU 4.5 s, peak 206 MB, 2056 jobs
      wall 5.3 s, CPU 4.8 s, peak 206 MB, 2056 jobs
      wall 5.3 s, CPU 4.8 s, peak 206 MB, 2056 jobs

Most of it is Snakemake's own (building the graph, formatting a message per job); 0.5 s are the
digests of code, 0.9 s when each file was parsed twice.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow" / "scripts")]

from study_made import copy_project, own_study, write_study  # noqa: E402

FRACTIONS = [f"{i / 22:.3f}" for i in range(1, 23)]


def large_study(folder: Path, jobs: int) -> None:
    """A study of `jobs` jobs, about: 13 sizes × 22 fractions and 7 other jobs a domain."""
    study = own_study(folder / "data")
    table = study["domains"]["table"]
    table |= {
        "ladder": {f"w{w}": {"width": w} for w in range(2, 28, 2)},
        "fractions": FRACTIONS,
    }
    per_domain = len(table["ladder"]) * len(FRACTIONS) + 7
    count = max(1, round(jobs / per_domain))
    study["domains"] = {f"table{i}": table for i in range(count)}
    write_study(folder, study)


def dry_run(folder: Path) -> tuple[float, int, int]:
    """(wall seconds, peak MB, jobs) of one dry run."""
    start = time.perf_counter()
    done = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--quiet", "rules"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    text = done.stdout.read()
    _, status, usage = os.wait4(done.pid, 0)
    seconds = time.perf_counter() - start
    total = re.search(r"^total +(\d+)", text, re.M)
    assert status == 0, text[-3000:]
    print(
        f"  wall {seconds:.1f} s, CPU {usage.ru_utime + usage.ru_stime:.1f} s, peak "
        f"{usage.ru_maxrss / 1e3:.0f} MB, {total[1] if total else 0} jobs"
    )
    return seconds, usage.ru_maxrss // 1000, int(total[1]) if total else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--profile", action="store_true", help="where the seconds go")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = copy_project(ROOT, Path(name) / "project")
        large_study(folder, args.jobs)
        for _ in range(3):
            dry_run(folder)
        if args.profile:
            subprocess.run(
                [sys.executable, "-m", "cProfile", "-s", "cumulative", "-m", "snakemake", "-n",
                 "--cores", "2", "--quiet", "all"],
                cwd=folder, check=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
