"""Figures of language domains that belong together, from the JSON of their laws alone."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..families import family
from ..records.language import LanguageRecord, PerplexityDomain, PerplexityFit
from ..records.typed import Refused
from . import style
from .records import COUNT_LABEL

LAW_NAMES = {"perplexity": "a·N^(−b)", "perplexity_floor": "E + a·N^(−b)"}


@style.styled
def perplexity(found: LanguageRecord) -> Figure:
    """Perplexity against N, with and without embeddings, each family with its law and band."""
    figure, panels = style.canvas(8.4, 4.0, columns=2, sharey=True)
    every = []
    for axes, counted in zip(panels, ("non_embedding", "total"), strict=True):
        sizes = []
        for look, (label, domain) in zip(style.SERIES, _families(found), strict=False):
            n, mean = _points(axes, domain, counted, look)
            axes.plot([], [], label=label, **look)
            sizes += n
            every += mean
            law = _law(domain, counted)
            if law is not None:
                n, color = law.band.params, look["color"]
                axes.plot(n, law.band.mean, color=color, linestyle=look["linestyle"])
                axes.fill_between(
                    n, law.band.lower, law.band.upper, color=color, alpha=0.18, linewidth=0
                )
        style.log_axis(axes, "x", np.array(sizes))
        axes.set_xlabel(COUNT_LABEL[counted])
    unigram = _unigram(found)
    if unigram is not None:
        for axes in panels:
            axes.axhline(unigram, color=style.GREY, linestyle=":", linewidth=1.2)
            axes.plot(
                [], [], ":", color=style.GREY, label=f"token frequencies alone: {unigram:.0f}"
            )
        every.append(unigram)
    style.log_axis(panels[0], "y", np.array(every))
    panels[0].set_ylabel("Test perplexity (per token)")
    style.compose(
        figure,
        f"{_title(found)}: perplexity against parameters",
        [*(_withheld_line(label, d) for label, d in _families(found)),
         *(style.sentence(c.says) for c in found.comparisons)],
        [f"Points: seeds. Lines: the law that predicts the withheld sizes best at this count, "
         f"fitted to all sizes, with its {100 * found.level:g} % band."],
        columns=3,
    )  # fmt: skip
    return figure


@style.styled
def width(found: LanguageRecord) -> Figure:
    """Perplexity against d_model, a line per n_layers, a panel per family."""
    return _grid(found, "d_model", "n_layers", "Width d_model", "n_layers {}")


@style.styled
def depth(found: LanguageRecord) -> Figure:
    """Perplexity against n_layers, a line per d_model, a panel per family."""
    return _grid(found, "n_layers", "d_model", "Layers n_layers", "d_model {}")


@style.styled
def cost(found: LanguageRecord) -> Figure:
    """Training time and training FLOPs of one run against N."""
    figure, (left, right) = style.canvas(8.4, 4.0, columns=2)
    sizes, times, flops = [], [], []
    for look, (label, domain) in zip(style.SERIES, _families(found), strict=False):
        n = [p.total for p in domain.points]
        seconds, spent = [p.seconds for p in domain.points], [p.flops for p in domain.points]
        left.plot(n, seconds, label=label, **look)
        right.plot(n, spent, label=label, **look)
        sizes += n
        times += seconds
        flops += spent
    for axes in (left, right):
        style.log_axis(axes, "x", np.array(sizes))
        axes.set_xlabel(COUNT_LABEL["total"])
    style.log_axis(left, "y", np.array(times))
    style.log_axis(right, "y", np.array(flops), powers=True)
    left.set_ylabel("Training time of one run (s)")
    right.set_ylabel("Training compute of one run (FLOPs)")
    style.compose(
        figure,
        f"{_title(found)}: training time and compute against parameters",
        [],
        ["A job trains its seeds and learning rates together; a run's time is its share. FLOPs: "
         "forward and backward, all epochs; ResNet-BK sends each token through one expert of four, "
         "so it spends fewer FLOPs for each parameter."],
        columns=2,
    )  # fmt: skip
    return figure


def _grid(found: LanguageRecord, along: str, per: str, label: str, series: str) -> Figure:
    families = [f for f in _families(found) if f[1].points]
    figure, panels = style.canvas(4.4 * max(1, len(families)), 4.0, len(families), sharey=True)
    panels = np.atleast_1d(panels)
    levels = {getattr(point, per) for _, domain in families for point in domain.points}
    levels = sorted(levels - {None})
    looks = {v: style.SERIES[i % len(style.SERIES)] for i, v in enumerate(levels)}
    every = []
    for axes, (name, domain) in zip(panels, families, strict=True):
        points = [(getattr(p, along), getattr(p, per), p.mean_perplexity) for p in domain.points]
        points = [point for point in points if None not in point]
        for level in levels:
            line = sorted((x, y) for x, each, y in points if each == level)
            if line:
                axes.plot(*zip(*line, strict=True), **looks[level])
            axes.plot([], [], label=series.format(f"{level:g}"), **looks[level])
            every += [y for _, y in line]
        ticks = sorted({x for x, _, _ in points})
        style.log_axis(axes, "x", np.array(ticks))
        axes.set_xticks(ticks, labels=[f"{t:g}" for t in ticks])
        axes.minorticks_off()
        axes.set_xlabel(label)
        axes.set_title(name, loc="left")
    style.log_axis(panels[0], "y", np.array(every))
    panels[0].set_ylabel("Test perplexity (per token)")
    style.compose(
        figure,
        f"{_title(found)}: perplexity against {label[0].lower()}{label[1:]}",
        [],
        ["Points: means over seeds (geometric). A line joins sizes of one family that differ in "
         "nothing else; a point without a line has no neighbour in the ladder."],
        columns=4,
    )  # fmt: skip
    return figure


def _points(
    axes: Axes, domain: PerplexityDomain, counted: str, look: style.Look
) -> tuple[list[float], list[float]]:
    runs = [(point.params(counted), y) for point in domain.points for y in point.perplexity]
    n, y = [x for x, _ in runs], [y for _, y in runs]
    axes.plot(n, y, look["marker"], color=look["color"], linestyle="none", zorder=4)
    return n, y


def _law(domain: PerplexityDomain, counted: str) -> PerplexityFit | None:
    """Of the laws at this count the one that predicts best; else the first that was fitted."""
    fitted = [
        row.fit
        for row in domain.laws
        if row.counted == counted and not isinstance(row.fit, Refused)
    ]
    return min(
        fitted,
        key=lambda fit: np.inf if fit.withheld_error is None else fit.withheld_error,
        default=None,
    )


def _withheld_line(label: str, domain: PerplexityDomain) -> str:
    if domain.best is None:
        return f"{label}: no law was tested on withheld sizes."
    fit = domain.best_fit
    count = len(fit.withheld.predictions)
    sizes = "the largest size" if count == 1 else f"the {count} largest sizes"
    without = domain.best.counted == "non_embedding"
    counted = "without embeddings" if without else "of all parameters"
    return (
        f"{label}: not having seen {sizes}, {LAW_NAMES[fit.law]} {counted} misses the "
        f"perplexity by {100 * np.expm1(fit.withheld_error):.1f} %."
    )


def _families(found: LanguageRecord) -> list[tuple[str, PerplexityDomain]]:
    """(label, domain) of each; a family that stands twice is told apart by its domain."""
    families = [domain.family for domain in found.domains.values()]
    labels = []
    for name, domain in found.domains.items():
        label = family(domain.family).title
        labels.append(f"{label} ({name})" if families.count(domain.family) > 1 else label)
    return list(zip(labels, found.domains.values(), strict=True))


def _title(found: LanguageRecord) -> str:
    return next(iter(found.domains))


def _unigram(found: LanguageRecord) -> float | None:
    return next(iter(found.domains.values())).unigram_perplexity
