"""Records to judge: complete, and of no interest but for what a test changes."""

from __future__ import annotations

from typing import Any

from alphascale.config import Training
from alphascale.records.data import DataSpec, Origin, PreparedData
from alphascale.records.decision import DecisionRecord, LadderRange, Star, StudyPrice, Throughput
from alphascale.records.fit import Estimate
from alphascale.records.specs import Prices, Target, TrainSpec
from alphascale.records.training import (
    Curves,
    Device,
    Energy,
    Flops,
    Params,
    Scores,
    SeedRun,
    SweepRun,
    Times,
    TrainingRecord,
    Versions,
)
from alphascale.records.typed import Refused

STAR = Star(12_000.0, 14_000.0, (11_000.0, 13_000.0), 0.0, 200, 0, 0.05, Estimate(0.1, 0.09, 0.11))


def decision_made(star: Star | Refused = STAR, fraction: str = "1.0", **changes: Any):
    """A `DecisionRecord` with no architecture; changes: its fields."""
    fields = {
        "domain": "d", "family": "mlp", "run_warnings": [], "target": Target("error", 0.2),
        "metric": "error", "law": "power_floor", "counted": "total", "level": 0.95,
        "resamples": 200, "fraction": fraction, "fractions": {fraction: star},
        "withheld": Refused("no size was withheld (withhold: 0)"),
        "in_sample": None, "fit_warnings": [], "ladder": LadderRange(10, 50, 5),
        "costs": Prices(250.0, None, 445.0, "stated", 1.0, 0.25, None, "USD"),
        "architecture": None, "unbuildable": None, "naive": None, "saving": None,
        "joint": Refused("not asked"), "data": Refused("not asked"), "settling": None,
        "study": StudyPrice(1.0, 1.0, 1.0, 1.0, 1.0),
        "throughput": Throughput(0.0, 1e9, "stated"),
    }  # fmt: skip
    return DecisionRecord(**fields | changes)


DATA = DataSpec("letter", 0, 0.2, 0.1)


def prepared_made(counts: list[int], sha256: str = "sum", **changes: Any) -> PreparedData:
    """A description of data whose test split has so many samples of each class; of none, it is
    running text. changes: its fields."""
    fields = {
        "kind": "tabular", "classes": len(counts), "shape": (2,), "vocabulary": None, "pad": None,
        "mean": None, "std": None, "class_names": [f"c{i}" for i in range(len(counts))],
        "sizes": {"test": sum(counts)}, "class_counts": {"test": counts}, "first_rows": [],
        "smallest_prefix": 1, "source": Origin("made", "", "", {}), "spec": DATA, "seed": 0,
        "notes": [], "sha256": sha256,
    }  # fmt: skip
    return PreparedData(**fields | changes)


def train_spec(scale: str = "s") -> TrainSpec:
    return TrainSpec("d", scale, "1.0", "mlp", {}, [0, 1], Training(), "cpu", DATA)


def seed_run(seed: int, error: float | None) -> SeedRun:
    """Three epochs of seed `seed`, the second the best, that end with a test error; with None, it
    diverged in the second."""
    if error is None:
        return SeedRun(seed, 0.01, "diverged", 2, None, Curves(), None, None, 5)
    curves = Curves([1.0, 0.5, 0.4], [0.8, 0.9, 0.95], [1.0, 0.6, 0.7], [0.8, 0.9, 0.9])
    validation, test = Scores(0.6, 0.9, 0.1), Scores(2 * error, 1 - error, error)
    return SeedRun(seed, 0.01, "ok", 3, 2, curves, validation, test, 5)


def training_record(scale: str, seeds: list[SeedRun], params: int = 70, **changes: Any):
    """A `TrainingRecord` of these seeds; changes: its fields."""
    fields = {
        "spec": train_spec(scale), "code": "code", "data_sha256": "sum", "samples": 100,
        "params": Params(params, params - 2, 2, params - 3, 1), "samples_seen": 300, "steps": 6,
        "flops": Flops(1, 3, 5, 10**9, "hand"), "learning_rate": 0.01, "seeds": seeds,
        "sweep": [SweepRun(0.01, s.seed, None, s.status) for s in seeds], "pieces": 1,
        "time": Times(2.0, 2.0, 2.0), "energy": Energy(None, "not measured"),
        "peak_memory_bytes": 1, "device": Device("cpu", "x", "float32", 1),
        "versions": Versions("3", "2", "1"),
    }  # fmt: skip
    return TrainingRecord(**fields | changes)
