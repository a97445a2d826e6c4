"""What stopping a rung early would be worth: how well the end of a training is known before it.

    snakemake --cores all observations --configfile config/ladders.yaml
    python tests/benchmarks/early_stop.py results/ladders

The smaller sizes were trained to the end. How far their validation loss fell from an epoch to the
last is a line in log N (of the four next smaller sizes, mean over seeds); it takes each run of a
size from its loss at that epoch to its last. `missed`: the root mean square of that, in standard
deviations of the seeds' last losses, median and largest over the sizes. A run that is missed by
m of them tells 1/(1 + m²) of what a whole one does; `worth` is that over the share of the epochs
that it took: below 1, whole runs tell more for the same FLOPs.

Typical (six seeds each):

digits    4 of  8 epochs: missed 1.39 (2.44), worth 0.68, 8 sizes
digits    6 of  8 epochs: missed 0.82 (2.00), worth 0.80, 8 sizes
digits    7 of  8 epochs: missed 0.60 (1.70), worth 0.84, 8 sizes
features  8 of 15 epochs: missed 0.43 (1.57), worth 1.58, 11 sizes
features 11 of 15 epochs: missed 0.13 (0.46), worth 1.34, 11 sizes
features 13 of 15 epochs: missed 0.12 (0.26), worth 1.14, 11 sizes
letters   8 of 15 epochs: missed 1.24 (2.72), worth 0.74, 11 sizes
letters  11 of 15 epochs: missed 0.93 (1.41), worth 0.73, 11 sizes
letters  13 of 15 epochs: missed 0.61 (1.41), worth 0.84, 11 sizes
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

SHARES = (0.5, 0.75, 0.875)
BEFORE = 4  # smaller sizes that the line is through


def ladders(folder: Path) -> dict[str, list[tuple[int, np.ndarray]]]:
    """domain → (parameters, validation losses [seeds, epochs]) by size, of what has enough."""
    found: dict[str, list[tuple[int, np.ndarray]]] = {}
    for path in sorted(folder.glob("train/*/*/1.0.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        curves = [s["curves"]["validation_loss"] for s in record["seeds"] if s["status"] == "ok"]
        if len(curves) > 2 and len(curves[0]) > 3:
            own = (record["params"]["total"], np.log(curves))
            found.setdefault(path.parts[-3], []).append(own)
    return {name: sorted(sizes, key=lambda size: size[0]) for name, sizes in found.items()}


def missed(sizes: list[tuple[int, np.ndarray]], epoch: int) -> list[float]:
    """By how much the ends are missed, known at `epoch` alone, for each size with four below."""
    found = []
    for k in range(BEFORE, len(sizes)):
        params, curves = sizes[k]
        below = sizes[k - BEFORE : k]
        fell = [float(np.mean(each[:, -1] - each[:, epoch - 1])) for _, each in below]
        slope, level = np.polyfit(np.log([n for n, _ in below]), fell, 1)
        ends = curves[:, -1]
        off = curves[:, epoch - 1] + level + slope * np.log(params) - ends
        found.append(float(np.sqrt(np.mean(off**2)) / ends.std(ddof=1)))
    return found


def main() -> None:
    for name, sizes in ladders(Path(sys.argv[1])).items():
        epochs = sizes[0][1].shape[1]
        for epoch in sorted({round(share * epochs) for share in SHARES} - {epochs}):
            misses = missed(sizes, epoch)
            middle = float(np.median(misses))
            worth = epochs / epoch / (1 + middle**2)
            print(
                f"{name:8} {epoch:2} of {epochs:2} epochs: missed {middle:.2f} "
                f"({max(misses):.2f}), worth {worth:.2f}, {len(misses)} sizes"
            )


if __name__ == "__main__":
    main()
