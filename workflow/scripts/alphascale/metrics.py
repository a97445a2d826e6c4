"""What a model can be asked to reach: every metric, whose it is, which way it goes, what it can be.

One table for the configuration, the observations, laws, decisions and figures. Laws are fitted to
what falls with size: of a metric that rises, to what it lacks of 1, under the name `fitted`. Values
are measured by scikit-learn (auditing/measure.py). Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .units import percent

# What a domain asks of a model: one class of a sample, any number of labels, a number, the token
# that follows, the tokens that are masked.
TASKS = ("classes", "labels", "numbers", "next", "masked")
# Of them, those of running text.
CORPUS_TASKS = ("next", "masked")


@dataclass(frozen=True)
class Metric:
    """One metric."""

    name: str  # as a study's target writes it
    title: str  # as figures and sentences write it
    tasks: tuple[str, ...]  # of TASKS, where it can be had
    meaning: str  # one line for the reference
    rises: bool = False  # whether more is better
    share: bool = True  # whether it is a share, written in percent
    unit: str = ""  # of one that is no share
    # what laws are fitted to; of a metric that rises it is 1 − metric, of others the metric itself
    fitted: str = ""
    # whether it is a count of test samples over their number, whose noise is binomial
    counted: bool = False
    fewest: int = 2  # classes that the data must have for it to say anything
    # called with the shares of classes (or labels) in the test split, gives what a model reaches
    # that looks at no sample, as `fitted`; None where that is not told
    chance: Callable[[list[float]], float] | None = None

    def falling(self, value: float) -> float:
        """A value as laws are fitted to it, or back from there."""
        return 1.0 - value if self.rises else value

    def text(self, value: float) -> str:
        """A value in words, as `macro F1 83.5 %` or `RMSE 4.2`."""
        if self.share:
            return f"{self.title} {percent(value)}"
        return f"{self.title} {value:g}{' ' * bool(self.unit)}{self.unit}"


def _metric(name: str, title: str, tasks: str, meaning: str, **rest) -> Metric:
    fitted = rest.pop("fitted", f"{name}_error" if rest.get("rises") else name)
    return Metric(name, title, tuple(tasks.split()), meaning, fitted=fitted, **rest)


def _half(shares: list[float]) -> float:
    return 0.5


TABLE = {
    each.name: each
    for each in (
        _metric(
            "accuracy", "accuracy", "classes labels",
            "share of test samples with the right class; of several labels, with all of them right",
            rises=True, fitted="error", counted=True, chance=lambda shares: 1 - max(shares),
        ),
        _metric(
            "error", "error", "classes labels", "1 − accuracy",
            counted=True, chance=lambda shares: 1 - max(shares),
        ),
        _metric(
            "balanced_accuracy", "balanced accuracy", "classes",
            "mean over classes of their recall",
            rises=True, chance=lambda shares: 1 - 1 / sum(share > 0 for share in shares),
        ),
        _metric(
            "macro_f1", "macro F1", "classes labels",
            "mean over classes of F1, each class the same", rises=True,
        ),
        _metric(
            "weighted_f1", "weighted F1", "classes labels",
            "mean over classes of F1, each class by its samples", rises=True,
        ),
        _metric(
            "top5", "top-5 accuracy", "classes",
            "share of test samples whose class is among the five most probable; of ten classes or "
            "more", rises=True, counted=True, fewest=10,
            chance=lambda shares: 1 - sum(sorted(shares)[-5:]),
        ),
        _metric(
            "auroc", "AUROC", "classes labels",
            "area under the ROC curve, mean over classes, each against the rest",
            rises=True, chance=_half,
        ),
        _metric(
            "average_precision", "average precision", "classes labels",
            "area under precision over recall, mean over classes; of two classes, of the second",
            rises=True,
        ),
        _metric(
            "calibration_error", "calibration error", "classes",
            "mean distance between the probability of the class named and how often it is right, "
            "in 15 bins",
        ),
        _metric(
            "rmse", "RMSE", "numbers", "root mean square error, in the label's unit", share=False,
        ),
        _metric(
            "mae", "MAE", "numbers", "mean absolute error, in the label's unit", share=False,
        ),
        _metric(
            "r2", "R²", "numbers", "share of the test labels' variance that is explained",
            rises=True, chance=lambda shares: 1.0,
        ),
        _metric(
            "loss", "loss", "classes labels next masked",
            "cross-entropy in nats (log loss), of several labels their mean", share=False,
            unit="nats",
        ),
        _metric(
            "perplexity", "perplexity", "next masked", "e to the loss in nats per token",
            share=False, fitted="loss",
        ),
    )
}  # fmt: skip


def metric(name: str) -> Metric:
    """A metric by the name that a target has."""
    return TABLE[name]


def metrics_of(task: str) -> list[str]:
    """Names of the metrics that a task can be asked to reach."""
    return [name for name, each in TABLE.items() if task in each.tasks]


def loss_unit(task: str) -> str:
    """What the loss of a task is counted in: of numbers it is their mean square error as a share of
    the variance of the training labels."""
    return "share of the labels' variance" if task == "numbers" else "nats"


def by_fitted(fitted: str) -> Metric:
    """The metric whose law is fitted under that name; `error` for both that have it."""
    own = TABLE.get(fitted)
    return own or next(each for each in TABLE.values() if each.fitted == fitted)
