"""Figures of language domains that belong together, from the JSON of their laws alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..families import family
from . import style
from .records import COUNT_LABEL

LAW_NAMES = {"perplexity": "a·N^(−b)", "perplexity_floor": "E + a·N^(−b)"}


def draw_language(found: dict[str, Any], folder: str | os.PathLike) -> None:
    """Write every figure of a group of language domains to `folder`, one file per kind."""
    for name, draw in DRAW.items():
        figure = draw(found)
        for kind in style.KINDS:
            style.save(figure, Path(folder) / f"{name}.{kind}")


@style.styled
def perplexity(found: dict[str, Any]) -> Figure:
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
            if law is not None and "band" in law:
                band = law["band"]
                axes.plot(
                    band["params"], band["mean"], color=look["color"], linestyle=look["linestyle"]
                )
                axes.fill_between(
                    band["params"], band["lower"], band["upper"], color=look["color"], alpha=0.18,
                    linewidth=0,
                )  # fmt: skip
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
         *(_sentence(c["says"]) for c in found["comparisons"])],
        [f"Points: seeds. Lines: the law that predicts the withheld sizes best at this count, "
         f"fitted to all sizes, with its {100 * found['level']:g} % band."],
        columns=3,
    )  # fmt: skip
    return figure


@style.styled
def width(found: dict[str, Any]) -> Figure:
    """Perplexity against d_model, a line per n_layers, a panel per family."""
    return _grid(found, "d_model", "n_layers", "Width d_model", "n_layers {}")


@style.styled
def depth(found: dict[str, Any]) -> Figure:
    """Perplexity against n_layers, a line per d_model, a panel per family."""
    return _grid(found, "n_layers", "d_model", "Layers n_layers", "d_model {}")


@style.styled
def cost(found: dict[str, Any]) -> Figure:
    """Training time and training FLOPs of one run against N."""
    figure, (left, right) = style.canvas(8.4, 4.0, columns=2)
    sizes, times, flops = [], [], []
    for look, (label, domain) in zip(style.SERIES, _families(found), strict=False):
        points = domain["points"]
        n = [p["total"] for p in points]
        left.plot(n, [p["seconds"] for p in points], label=label, **look)
        right.plot(n, [p["flops"] for p in points], label=label, **look)
        sizes += n
        times += [p["seconds"] for p in points]
        flops += [p["flops"] for p in points]
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


DRAW = {"perplexity": perplexity, "width": width, "depth": depth, "cost": cost}


def _grid(found: dict[str, Any], along: str, per: str, label: str, series: str) -> Figure:
    families = [f for f in _families(found) if f[1]["points"]]
    figure, panels = style.canvas(4.4 * max(1, len(families)), 4.0, len(families), sharey=True)
    panels = np.atleast_1d(panels)
    levels = sorted({p[per] for _, d in families for p in d["points"] if p[per] is not None})
    looks = {v: style.SERIES[i % len(style.SERIES)] for i, v in enumerate(levels)}
    every = []
    for axes, (name, domain) in zip(panels, families, strict=True):
        points = [p for p in domain["points"] if p[along] is not None and p[per] is not None]
        for level in levels:
            line = sorted((p[along], _mean(p)) for p in points if p[per] == level)
            if line:
                axes.plot(*zip(*line, strict=True), **looks[level])
            axes.plot([], [], label=series.format(f"{level:g}"), **looks[level])
            every += [y for _, y in line]
        ticks = sorted({p[along] for p in points})
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
    axes: Axes, domain: dict[str, Any], counted: str, look: dict[str, Any]
) -> tuple[list[float], list[float]]:
    n = [p[counted] for p in domain["points"] for _ in p["perplexity"]]
    y = [value for p in domain["points"] for value in p["perplexity"]]
    axes.plot(n, y, look["marker"], color=look["color"], linestyle="none", zorder=4)
    return n, y


def _law(domain: dict[str, Any], counted: str) -> dict[str, Any] | None:
    """Of the laws at this count the one that predicts best; else the first that was fitted."""
    fitted = [r for r in domain["laws"] if r["counted"] == counted and "refused" not in r]
    return min(
        fitted,
        key=lambda r: np.inf if r["withheld_error"] is None else r["withheld_error"],
        default=None,
    )


def _withheld_line(label: str, domain: dict[str, Any]) -> str:
    if domain["best"] is None:
        return f"{label}: no law was tested on withheld sizes."
    row = next(r for r in domain["laws"] if r["best"])
    count = len(row["withheld"])
    sizes = "the largest size" if count == 1 else f"the {count} largest sizes"
    counted = "without embeddings" if row["counted"] == "non_embedding" else "of all parameters"
    return (
        f"{label}: not having seen {sizes}, {LAW_NAMES[row['law']]} {counted} misses the "
        f"perplexity by {100 * np.expm1(row['withheld_error']):.1f} %."
    )


def _sentence(words: str) -> str:
    """With a capital, a full stop and true minus signs."""
    return f"{words[0].upper()}{words[1:]}.".replace(" -", " −")


def _families(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(label, domain) of each; a family that stands twice is told apart by its domain."""
    families = [d["family"] for d in found["domains"].values()]
    labels = []
    for name, domain in found["domains"].items():
        label = family(domain["family"]).title
        labels.append(f"{label} ({name})" if families.count(domain["family"]) > 1 else label)
    return list(zip(labels, found["domains"].values(), strict=True))


def _title(found: dict[str, Any]) -> str:
    return next(iter(found["domains"]))


def _unigram(found: dict[str, Any]) -> float | None:
    return next(iter(found["domains"].values()))["unigram_perplexity"]


def _mean(point: dict[str, Any]) -> float:
    return float(np.exp(np.log(point["perplexity"]).mean()))
