"""Runs on repeated data: test R² of laws and losses fitted to the train split (161 + 21 runs).

    ALPHASCALE_SHARED=../shared python tests/benchmarks/repeated_data.py

Typical printout (two CPU cores):

    law               huber_log:1e-3   huber_log:1e-2   squared_log
    data_constrained          0.9596           0.9568           0.8705
    chinchilla                0.9774           0.9804           0.9420
    constants as published    0.9132
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from alphascale.laws import fit  # noqa: E402
from alphascale.literature.published import published_curve  # noqa: E402

COLUMNS = ("params", "tokens", "unique_tokens", "loss")


def main() -> None:
    shared = Path(os.environ.get("ALPHASCALE_SHARED", ROOT.parent / "shared"))
    path = shared / "data" / "data_constrained" / "muennighoff_182.csv"
    if not path.exists():
        sys.exit(f"{path} is absent: this benchmark needs the public points")
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    train, test = (
        {c: np.array([float(r[c]) for r in rows if r["split"] == s]) for c in COLUMNS}
        for s in ("train", "test")
    )

    def r2(guess) -> float:
        rest = test["loss"] - test["loss"].mean()
        return 1 - float(np.sum((guess - test["loss"]) ** 2) / np.sum(rest**2))

    print("law               huber_log:1e-3   huber_log:1e-2   squared_log")
    for law, x3 in (("data_constrained", "unique_tokens"), ("chinchilla", None)):
        scores = []
        for loss in ("huber_log:1e-3", "huber_log:1e-2", "squared_log"):
            options = dict(x2="tokens", x3=x3, law=law, loss=loss, resamples=0, withhold=False)
            scores.append(r2(fit(train, "params", "loss", **options).curve(test)))
        print(f"{law:17s}", *(f"{s:14.4f}  " for s in scores))
    published = published_curve("data_constrained", *(test[c] for c in COLUMNS[:3]))
    print(f"constants as published {r2(published):9.4f}")


if __name__ == "__main__":
    main()
