"""What a GPU has to prove, in one table.

    python tests/gpu/table.py [--device cpu] [--quick] [--out gpu.md]

Every measurement is a function of a device and of whether to be quick: the same code runs on a CPU
in the tests, on tiny sizes. A failure is a row, and the table goes on; the command then ends with
status 1. docs/gpu.md says what the rows mean.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

# Small models on 16 threads are slower than on one; the trainings of a study have one as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# cuBLAS reads it with its first product; trainings set it themselves, which come later here.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "workflow" / "scripts")]

from alphascale import __version__  # noqa: E402
from alphascale.errors import UserError  # noqa: E402
from alphascale.training.device import choose_device, describe  # noqa: E402
from gpu import machine_rows, paper_rows, rows, speed_rows, training_rows  # noqa: E402

MEASURES: dict[str, Callable[[torch.device, bool], Iterator[rows.Row]]] = {
    "families": training_rows.measure_families,
    "answers": training_rows.measure_answers,
    "bfloat16": training_rows.measure_bfloat16,
    "resume": training_rows.measure_resume,
    "pieces": training_rows.measure_pieces,
    "leases": machine_rows.measure_leases,
    "energy": machine_rows.measure_energy,
    "throughput": speed_rows.measure_throughput,
    "mixers": speed_rows.measure_mixers,
    "paper": paper_rows.measure_paper,
    # The last: a capture that fails leaves torch's generator unusable for the rest of the process.
    "graphs": speed_rows.measure_graphs,
}
# Of the whole table: a measurement that would begin later is left out. The longest has 100 s, and
# the tests before the table take about as much.
SECONDS = 400.0


def measured(device: torch.device, quick: bool, only: list[str]) -> Iterator[rows.Row]:
    """All rows, as they are got."""
    began = time.monotonic()
    for name in only:
        if time.monotonic() - began > SECONDS:
            why = f"the {SECONDS:g} s of the table were spent: --only {name}"
            yield rows.Row(name, "all", None, "", rows.SKIPPED, why)
            continue
        yield from rows.guarded(name, "all", lambda name=name: MEASURES[name](device, quick))


def head(device: torch.device) -> dict[str, str]:
    """What is measured on, and with what."""
    found = {"device": describe(device, False).name}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found["memory"] = f"{properties.total_memory / 1e9:.1f} GB"
        found["driver"] = driver()
    cuda = f", CUDA {torch.version.cuda}" if torch.version.cuda else ""
    return found | {"torch": torch.__version__ + cuda, "alphascale": __version__}


def driver() -> str:
    """Version of the GPU's driver, or why it is not known."""
    try:
        import pynvml

        pynvml.nvmlInit()
        version = pynvml.nvmlSystemGetDriverVersion()
    except Exception as fault:
        return f"not known ({type(fault).__name__}: {fault})"
    return version.decode() if isinstance(version, bytes) else version


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="tiny sizes, a few steps")
    parser.add_argument("--only", nargs="+", default=list(MEASURES), choices=MEASURES)
    parser.add_argument("--out", type=Path, help="write the table here too, as Markdown")
    asked = parser.parse_args(arguments)
    try:
        device = choose_device(asked.device)
    except UserError as fault:
        print(fault, file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore", message=".*deterministic.*")
    began, about, found = time.monotonic(), head(device), []
    for key, value in about.items():
        print(f"{key}: {value}")
    for row in measured(device, asked.quick, asked.only):
        found.append(row)
        print(*rows.text([row]), flush=True)
    about["seconds"] = f"{time.monotonic() - began:.0f}"
    print(f"{rows.counts(found)}, in {about['seconds']} s")
    if asked.out:
        asked.out.write_text(rows.markdown(about, found), encoding="utf-8")
    return int(any(row.verdict == rows.FAILED for row in found))


if __name__ == "__main__":
    sys.exit(main())
