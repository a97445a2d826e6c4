"""Other tools' names for what we call by one: results, and what was trained on how much.

`eval_loss`, `val/loss`, `valid_loss` are one thing, `Loss/train` is another. A name is read by its
words: those that say on what it was measured, and the rest, which say what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..columns import FALLING, RISING
from ..metrics import TABLE

VALIDATION = {"val", "valid", "validation", "eval", "evaluation", "dev", "holdout"}
TEST = {"test", "testing"}
TRAIN = {"train", "training"}
# Words of a result's name that say only how it was logged.
HOW = {"epoch", "step", "avg", "mean", "final", "metrics"}

# What results are called, and our name for it; a name that is not here stays as it is.
ALIASES = {
    "acc": "accuracy", "top1": "accuracy", "top_1": "accuracy", "acc1": "accuracy",
    "acc_1": "accuracy", "top1_accuracy": "accuracy", "top1_acc": "accuracy",
    "categorical_accuracy": "accuracy", "sparse_categorical_accuracy": "accuracy",
    "multiclass_accuracy": "accuracy", "binary_accuracy": "accuracy",
    "err": "error", "error_rate": "error", "top1_error": "error",
    "nll": "loss", "cross_entropy": "loss", "crossentropy": "loss", "ce": "loss", "xent": "loss",
    "log_loss": "loss", "logloss": "loss", "ce_loss": "loss", "cross_entropy_loss": "loss",
    "ppl": "perplexity", "f1_score": "f1",
    "f1_macro": "macro_f1", "macro_f1_score": "macro_f1", "f1_weighted": "weighted_f1",
    "acc5": "top5", "top_5": "top5", "top5_acc": "top5", "top5_accuracy": "top5",
    "auc": "auroc", "roc_auc": "auroc", "balanced_acc": "balanced_accuracy",
    "ap": "average_precision", "ece": "calibration_error", "r2_score": "r2",
    "root_mean_squared_error": "rmse", "mean_absolute_error": "mae", "mean_squared_error": "mse",
}  # fmt: skip

# What is logged beside results: clocks, machines, schedules. First by a word anywhere in the name,
# then by the whole of its last part.
HOUSEKEEPING = re.compile(
    r"(^|[/_.\-])(runtime|per_second|flos|grad_norm|timestamp|walltime|memory|gpu|cpu|stderr|"
    r"hp_metric|compilation_time|tokens_seen|wandb)([/_.\-]|$)|^system[/.]|^_|^lr[/_.\-]",
    re.IGNORECASE,
)
WHOLE = {
    "epoch", "step", "global_step", "lr", "learning_rate", "time", "duration", "momentum",
    "flops", "samples", "created", "rank", "index",
}  # fmt: skip

# The configuration's names for each quantity, in lower case, the surest first.
KEYS = {
    "params": (
        "params", "parameters", "n_params", "num_params", "num_parameters", "n_parameters",
        "total_params", "total_parameters", "model_params", "trainable_params", "param_count",
        "model_size", "non_embedding",
    ),
    "samples": (
        "samples", "n_samples", "num_samples", "train_samples", "n_train", "num_train",
        "num_train_samples", "num_train_examples", "train_size", "dataset_size", "examples",
        "tokens", "n_tokens", "num_tokens", "train_tokens", "max_tokens",
    ),
    "epochs": ("epochs", "num_epochs", "n_epochs", "num_train_epochs", "max_epochs"),
    "steps": ("steps", "max_steps", "num_steps", "train_steps", "iterations"),
    "seed": ("seed", "random_seed", "random_state", "rng_seed", "manual_seed"),
    "learning_rate": ("learning_rate", "lr", "lr0", "base_lr", "max_lr", "peak_lr"),
    "flops": ("flops", "total_flos", "total_flops", "train_flops", "compute"),
    "seconds": ("seconds", "train_runtime", "runtime", "train_time", "duration"),
}  # fmt: skip
# Of them, those that a folder's name may hold before a number: `seed3`, `lr_1e-3`, `params=1.2M`.
IN_PATHS = {
    "params": ("params", "parameters", "n_params"),
    "samples": ("samples", "n_samples", "tokens"),
    "seed": ("seed",),
    "learning_rate": ("learning_rate", "lr"),
}
_NUMBER = r"[+]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[kKMBGT]?"


@dataclass(frozen=True)
class Named:
    """A logged name, read."""

    common: str  # our name for what it is
    split: str  # validation, test, train, or nothing where it does not say
    rank: int  # of several for one thing, the lower is the better known


def words_of(raw: str) -> list[str]:
    """The words of a name, in lower case: of valLoss, val/loss and val_loss the same two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", raw)
    return [w for w in re.split(r"[^A-Za-z0-9²]+", spaced.lower().replace("²", "2")) if w]


def named(raw: str, bare_is_train: bool = False) -> Named:
    """A logged name as ours; one without a word for where it was measured is of training where the
    tool logs only training so."""
    words = words_of(raw)
    splits = [
        (split, known)
        for split, known in (("validation", VALIDATION), ("test", TEST), ("train", TRAIN))
        for word in words
        if word in known
    ]
    split = splits[0][0] if splits else ""
    rest = [w for w in words if w not in VALIDATION | TEST | TRAIN]
    kept = [w for w in rest if w not in HOW]
    joined = "_".join(kept or rest) or raw
    common = ALIASES.get(joined, joined)
    rank = 2 * (common != joined) + ("step" in rest) + 4 * (len(splits) > 1)
    return Named(common, split or ("train" if bare_is_train else ""), rank)


def is_housekeeping(raw: str) -> bool:
    """Whether a logged name is no result: a clock, a machine's state, a schedule."""
    last = re.split(r"[/.]", raw)[-1].strip().lower()
    return last in WHOLE or bool(HOUSEKEEPING.search(raw)) or _is_quantity(last)


def _is_quantity(last: str) -> bool:
    return any(last in keys for keys in KEYS.values())


def is_result(raw: str) -> bool:
    """Whether a column's name is by its words that of a result, where nothing else tells."""
    words = set(words_of(raw))
    known = set(named(raw).common.split("_")) | words
    return not is_housekeeping(raw) and (
        named(raw).common in TABLE or bool(known & (RISING | FALLING | {"error", "err", "bleu"}))
    )


def rises(common: str) -> bool | None:
    """Whether more of a result is better; None where its name does not say."""
    if common in TABLE:
        return TABLE[common].rises
    words = set(words_of(common))
    if words & (FALLING | {"error", "err"}):
        return False
    return True if words & RISING else None


def is_share(common: str) -> bool:
    """Whether a result lies in [0, 1]. R² does not: a bad model's is below 0."""
    if common in TABLE:
        return TABLE[common].share and common != "r2"
    words = set(words_of(common))
    return bool(words & (RISING - {"r2"})) and not words & FALLING


def quantity_key(column: str, names: dict[str, object]) -> str | None:
    """Of logged names, the one that holds a quantity, the surest; its last part counts, and of two
    the one that is nested less: `params` before `teacher/params`."""
    last: dict[str, str] = {}
    for name in sorted(names, key=lambda each: len(re.split(r"[/.]", each))):
        end = re.split(r"[/.]", name)[-1].strip().lower()
        last.setdefault(re.sub(r"[\s\-]+", "_", end), name)
    return next((last[key] for key in KEYS[column] if key in last), None)


def in_path(word: str, path: str) -> str | None:
    """The number that follows a word in a path: of `seed` in `runs/w64-seed_3/` it is 3."""
    before, after = r"(?:^|[^A-Za-z0-9])", r"(?![A-Za-z0-9.]*[A-Za-z0-9])"
    found = re.findall(rf"{before}(?i:{re.escape(word)})[=_\-]?({_NUMBER}){after}", path)
    return found[-1] if found else None
