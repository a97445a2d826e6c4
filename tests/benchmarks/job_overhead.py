"""CPU seconds of a training job beyond its training, and where they go.

    python tests/benchmarks/job_overhead.py [--repeat 5]

One job of a small made table, started as the rule starts it. Training is `time.cpu_s` of the job's
record; the rest is start, imports, data, counting FLOPs, writing. Imports are Python's own account
(`-X importtime`, self time by top-level package; wall seconds, and slower for being counted). Goal:
at most 3 s. On two CPU cores, busy with other work:

      python alone              0.02 s
      … and numpy               0.14 s
      … and torch               2.02 s
      the whole job             2.07 s
      of it training            0.04 s
      beyond its training       2.03 s
      imports, self time by package (counted, so slower):
        torch                   1.60 s
        triton                  0.11 s
        numpy                   0.08 s
        cuda                    0.05 s
        alphascale              0.05 s
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path[:0] = [str(ROOT / "tests"), str(SCRIPTS)]

from alphascale import slices  # noqa: E402
from alphascale.config import read_study  # noqa: E402
from alphascale.provenance import code_digest  # noqa: E402
from running import job_of  # noqa: E402
from study_made import own_study  # noqa: E402


def cpu_seconds(folder: Path, *command: str) -> tuple[float, str]:
    """(user + system seconds, what was written to stderr) of one process and its children."""
    with open(folder / "stderr", "w+") as stream:
        done = subprocess.Popen([sys.executable, *command], cwd=folder, stderr=stream)
        _, status, usage = os.wait4(done.pid, 0)
        stream.seek(0)
        text = stream.read()
    assert status == 0, text[-3000:]
    return usage.ru_utime + usage.ru_stime, text


def imports(text: str) -> collections.Counter:
    """Microseconds by top-level package, from what -X importtime wrote."""
    spent: collections.Counter = collections.Counter()
    for line in text.splitlines():
        if line.startswith("import time:") and "self [us]" not in line:
            own, _, name = line.removeprefix("import time:").split("|")
            spent[name.strip().split(".")[0]] += int(own)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = read_study(own_study(folder / "data"))
        files = {"data": "table.safetensors", "meta": "table.json"}
        data = job_of(slices.data_slice(study, "table"), {"files": []}, files, domain="table")
        cpu_seconds(folder, str(SCRIPTS / "prepare.py"), data, '--fractions={"table": ["1.0"]}')
        spec, code = slices.train_slice(study, "table", "w8", "1.0"), code_digest("train.py")
        job = (
            str(SCRIPTS / "train.py"),
            job_of(spec, files, {"record": "out.json"}, code, domain="table"),
            "--checkpoints=checkpoints", "--device=cpu", "--threads=1", "--jobs-per-gpu=1",
        )  # fmt: skip
        parts = {
            "python alone": ("-c", ""),
            "… and numpy": ("-c", "import numpy"),
            "… and torch": ("-c", "import torch"),
        }
        spent = {
            title: statistics.median(cpu_seconds(folder, *part)[0] for _ in range(args.repeat))
            for title, part in parts.items()
        }
        whole, trained = [], []
        for _ in range(args.repeat):
            (folder / "out.json").unlink(missing_ok=True)  # or it would be kept
            whole.append(cpu_seconds(folder, *job)[0])
            trained.append(json.loads((folder / "out.json").read_text())["time"]["cpu_s"])
        for title, seconds in spent.items():
            print(f"  {title:24s}{seconds:6.2f} s")
        total, training = statistics.median(whole), statistics.median(trained)
        print(f"  {'the whole job':24s}{total:6.2f} s")
        print(f"  {'of it training':24s}{training:6.2f} s")
        print(f"  {'beyond its training':24s}{total - training:6.2f} s")
        (folder / "out.json").unlink()
        _, text = cpu_seconds(folder, "-X", "importtime", *job)
        print("  imports, self time by package (counted, so slower):")
        for package, micros in imports(text).most_common(12):
            print(f"    {package:22s}{micros / 1e6:6.2f} s")


if __name__ == "__main__":
    main()
