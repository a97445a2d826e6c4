"""What a dry run of a large study costs, beside a Snakefile of as many empty jobs in the same run.

    python tests/benchmarks/dry_run.py [--jobs 10000] [--profile]

A study of made tables with as many jobs as asked, nothing of it run: `snakemake -n --quiet rules`,
three times each, in turn. An empty job is one output and one command. Goal: within 1.5 × its CPU
seconds, and within 350 MB. On one CPU core:

      study  wall 10.5 s, CPU 9.9 s, peak 348 MB, 9967 jobs
      empty  wall 7.8 s, CPU 7.6 s, peak 291 MB, 9968 jobs
      study  wall 10.7 s, CPU 10.2 s, peak 348 MB, 9967 jobs
      empty  wall 8.1 s, CPU 7.8 s, peak 291 MB, 9968 jobs
      study  wall 10.6 s, CPU 10.2 s, peak 348 MB, 9967 jobs
      empty  wall 8.4 s, CPU 8.0 s, peak 292 MB, 9968 jobs
      1.30 × the empty jobs' CPU seconds, 348 MB (medians)

Snakemake's own is most of it. Ours were, of 16 s: the search for garbage among its jobs (3 s),
resources that nothing here limits (0.8 s each), records that were asked for twice (2 s); and of
memory each file of a job, input, output or log: 1 kB.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
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


EMPTY = """
rule all:
    input: [f"made/{{i}}.txt" for i in range({jobs})]
rule empty:
    output: "made/{{i}}.txt"
    shell: "touch {{output}}"
"""


def dry_run(title: str, folder: Path) -> tuple[float, float, int]:
    """(CPU seconds, peak MB, jobs) of one dry run."""
    start = time.perf_counter()
    done = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--quiet", "rules"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    text = done.stdout.read()
    _, status, usage = os.wait4(done.pid, 0)
    seconds = time.perf_counter() - start
    assert status == 0, text[-3000:]
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3
    jobs = int(re.search(r"^total +(\d+)", text, re.M)[1])
    print(f"  {title:6s} wall {seconds:.1f} s, CPU {cpu:.1f} s, peak {peak:.0f} MB, {jobs} jobs")
    return cpu, peak, jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true", help="where the seconds go")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, empty = copy_project(ROOT, Path(name) / "project"), Path(name) / "empty"
        large_study(folder, args.jobs)
        empty.mkdir()
        costs = []
        for _ in range(3):
            ours, peak, jobs = dry_run("study", folder)
            (empty / "Snakefile").write_text(EMPTY.format(jobs=jobs))
            costs.append((ours / dry_run("empty", empty)[0], peak))
        ratio, peak = (statistics.median(part) for part in zip(*costs, strict=True))
        print(f"  {ratio:.2f} × the empty jobs' CPU seconds, {peak:.0f} MB (medians)")
        if args.profile:
            subprocess.run(
                [sys.executable, "-m", "cProfile", "-s", "cumulative", "-m", "snakemake", "-n",
                 "--cores", "2", "--quiet", "all"],
                cwd=folder, check=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
