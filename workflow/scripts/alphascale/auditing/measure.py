"""The metrics that a run reached on the test split, by scikit-learn, from what its model gave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp, softmax

from ..data.store import check_content
from ..metrics import CORPUS_TASKS, TABLE, by_fitted
from ..records.outputs import read_outputs

if TYPE_CHECKING:
    from ..records.data import Meta, PreparedData
    from ..records.training import SeedRun, TrainingRecord

Measured = dict[str, float | None]  # metric of `metrics.TABLE` → its value, None where undefined
RECORDED = ("error", "loss")  # what a run's record holds; all else is measured from its outputs
BINS = 15  # of the calibration error, as Guo et al. 2017
TOP = 5


def test_labels(meta: str | Path, prepared: PreparedData) -> np.ndarray | None:
    """y of the test split, from the file of tensors beside its description; None of running text.

    Raises UserError where the file is not what the description says.
    """
    from safetensors.numpy import load_file

    if prepared.task in CORPUS_TASKS:
        return None
    path = Path(meta).with_suffix(".safetensors")
    check_content(path, prepared.sha256)
    return load_file(path)["test_y"]


def measured(
    path: str | Path, record: TrainingRecord, y: np.ndarray | None, meta: Meta
) -> dict[int, Measured]:
    """Seed → its metrics beside accuracy, error and loss, none of a run without outputs.

    path: where the record lies. y: `test_labels`.
    """
    given = {} if record.outputs_sha256 is None or y is None else read_outputs(path)
    return {
        run.seed: measure(given[run.seed], y, meta) if run.seed in given else {}
        for run in record.seeds
    }


def reached(run: SeedRun, fitted: str, others: Measured) -> float:
    """What a good run reached in a metric, as laws are fitted to it."""
    if fitted in RECORDED:
        return getattr(run.test, fitted)
    known = by_fitted(fitted)
    return known.falling(others[known.name])


def measure(outputs: np.ndarray, y: np.ndarray, meta: Meta) -> Measured:
    """Every metric of a task beside accuracy, error and loss.

    outputs (n, K): logits of classes or labels; of numbers, standardised as they were trained.
    y: as in the file of tensors. A metric that the split does not define is None: an AUROC of a
    class that no test sample has.
    """
    return MEASURES[meta.task](outputs.astype(np.float64), y, meta)


def _classes(outputs: np.ndarray, y: np.ndarray, meta: Meta) -> Measured:
    from sklearn.metrics import recall_score, top_k_accuracy_score

    named = outputs.argmax(1)
    sure = softmax(outputs, axis=1).max(1)
    classes = np.arange(meta.classes)
    truth = y[:, None] == classes
    # Of two classes the second is the one that is looked for, as scikit-learn has it.
    ranked = slice(1, 2) if meta.classes == 2 else slice(None)
    return {
        # Over the classes that the split has.
        "balanced_accuracy": float(recall_score(y, named, labels=np.unique(y), average="macro")),
        **_f1(y, named),
        **_ranks(truth[:, ranked], odds(outputs)[:, ranked]),
        "top5": float(top_k_accuracy_score(y, outputs, k=TOP, labels=classes))
        if meta.classes >= TABLE["top5"].fewest
        else None,
        "calibration_error": _calibration(sure, named == y),
    }


def _labels(outputs: np.ndarray, y: np.ndarray, meta: Meta) -> Measured:
    truth = y.astype(bool)
    return {**_f1(truth, outputs > 0), **_ranks(truth, outputs)}


def _numbers(outputs: np.ndarray, y: np.ndarray, meta: Meta) -> Measured:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    named = outputs[:, 0] * meta.spread + meta.centre
    return {
        "rmse": float(root_mean_squared_error(y, named)),
        "mae": float(mean_absolute_error(y, named)),
        "r2": float(r2_score(y, named)) if np.ptp(y) > 0 else None,
    }


MEASURES = {"classes": _classes, "labels": _labels, "numbers": _numbers}


def _f1(truth: np.ndarray, named: np.ndarray) -> Measured:
    """F1 of every class that is there or named, scikit-learn's default."""
    from sklearn.metrics import f1_score

    return {
        f"{average}_f1": float(f1_score(truth, named, average=average, zero_division=0))
        for average in ("macro", "weighted")
    }


def odds(outputs: np.ndarray) -> np.ndarray:
    """Log odds of each class against the rest, (n, K) of logits (n, K): in the order of the
    probabilities, which beyond 37 are all 1 to a double."""
    rows, top = np.arange(len(outputs)), outputs.argmax(1)
    whole = logsumexp(outputs, axis=1, keepdims=True)
    # Of the most probable class 1 − p may be lost beside p; the others' p is ½ at most.
    others = outputs.copy()
    others[rows, top] = -np.inf
    with np.errstate(divide="ignore"):
        rest = whole + np.log1p(-np.exp(outputs - whole))
    rest[rows, top] = logsumexp(others, axis=1)
    return outputs - rest


def _ranks(truth: np.ndarray, scores: np.ndarray) -> Measured:
    """Areas under two curves, mean over columns; None unless each has samples of both kinds."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if (truth.all(0) | ~truth.any(0)).any():
        return {"auroc": None, "average_precision": None}
    return {
        "auroc": float(roc_auc_score(truth, scores, average="macro")),
        "average_precision": float(average_precision_score(truth, scores, average="macro")),
    }


def _calibration(sure: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: mean over samples of |confidence − accuracy| of its bin."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, sure - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(sure))
