"""Figures show the records' numbers and nothing else, and say in words what is missing."""

from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alphascale.calculator.demonstration import TEXTS
from alphascale.grids.front import pareto
from alphascale.plots import accuracy, carbon, compute, predicted, style, surface
from alphascale.plots.catalog import FIGURES, LANGUAGE_FIGURES, SERVING_FIGURES
from alphascale.plots.draw import DRAW
from alphascale.plots.literature import FIGURES as LITERATURE
from alphascale.plots.records import curve
from alphascale.plots.table import draw as draw_table
from alphascale.records import typed
from alphascale.records.observations import COLUMNS
from alphascale.units import PREFIXES
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from observations_made import diverge
from plot_records import frame, records, with_decision, with_star
from running import ENV, job_of
from study_made import copy_project

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
CAPTIONS = SCRIPTS.parent / "report"


def words(figure: Figure) -> str:
    """All text of a figure on one line."""
    found = [text.get_text() for text in figure.findobj(Text)]
    return " ".join(" ".join(found).replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def good():
    return records(paced=True)


@pytest.fixture(scope="module")
def hard():
    return records(target=("accuracy", 0.985), paced=True)


@pytest.fixture(scope="module")
def noisy():
    """Seeds that scatter, two sizes withheld: intervals wide enough to tell apart."""
    return records(frame(noise=0.1), target=("accuracy", 0.972), withhold=2, paced=True)


def few(table):
    return table[table["scale"].isin(["w8", "w16", "w32"])]


TWO = ("0.5", "1.0")
FIVE = ("0.1", "0.2", "0.3", "0.5", "1.0")


def diverged(column: str, *values: object):
    """Observations in which the runs with one of these values diverged."""
    table = frame(TWO)
    return diverge(table, table[column].isin(values))


# Each must be drawn whole, in words where there is no number, for every figure.
CASES = {
    "out of reach": lambda: records(frame(TWO), target=("accuracy", 0.985)),
    "loss": lambda: records(frame(TWO), target=("loss", 0.2)),
    "error, five fractions": lambda: records(frame(FIVE), ("error", 0.06), resamples=100),
    "one fraction, no naive, none withheld": lambda: records(
        frame(("1.0",)), naive=False, withhold=0
    ),
    "one seed": lambda: records(frame(TWO, seeds=1)),
    "refused": lambda: records(few(frame(TWO))),
    "withheld diverged": lambda: records(diverged("scale", "w256")),
    "a fraction diverged": lambda: records(diverged("fraction", "0.5")),
    "all diverged": lambda: records(diverged("seed", 0, 1, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_drawn_whatever_is_missing(case):
    found = CASES[case]()
    for name, draw in DRAW.items():
        figure = draw(found)
        # Rendering is where a bad limit or label fails; the layout has a test of its own.
        figure.set_layout_engine("none")
        figure.draw_without_rendering()
        shown = words(figure)
        assert found.domain in shown
        assert "nan" not in shown.lower().split()
        lost = (found.frame["status"] != "ok").sum()
        if lost and name != "carbon":
            assert f"Of {len(found.frame)} runs {lost} diverged: not drawn" in shown


@pytest.mark.parametrize(
    ("target", "unit"),
    [(("accuracy", 0.95), "(%)"), (("error", 0.05), "(%)"), (("loss", 0.2), "(nats)")],
)
def test_axes_name_their_units(target, unit):
    found = records(frame(TWO), target=target, resamples=100)
    expected = {
        "accuracy": ["Parameters N", unit],
        "loss": ["Parameters N", "Training samples D", "nats)"],
        "compute": ["FLOPs", unit],
        "predicted": [f"Measured test {target[0]} {unit}", f"Predicted test {target[0]} {unit}"],
        "carbon": ["CO₂ (mg CO₂)"],
        "surface": ["Parameters N", "Training samples D", unit],
    }
    for name, units in expected.items():
        figure = DRAW[name](found)
        labels = " ".join(a.get_xlabel() + " " + a.get_ylabel() for a in figure.axes)
        assert [each for each in units if each not in labels] == []


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(-6, 6)), min_size=1, max_size=40),
    st.booleans(),
)
def test_pareto_front_is_what_no_other_point_dominates(points, higher):
    cost, value = np.array(points, float).T
    worth = value if higher else -value
    front = pareto(cost, value, higher)

    def dominated(i: int) -> bool:
        no_worse = (cost <= cost[i]) & (worth >= worth[i])
        return bool((no_worse & ((cost < cost[i]) | (worth > worth[i]))).any())

    on_front = {(cost[i], value[i]) for i in front}
    assert on_front == {(cost[i], value[i]) for i in range(len(cost)) if not dominated(i)}
    assert len(on_front) == len(front)
    assert (np.diff(cost[front]) > 0).all()


def test_compute_front_in_the_figure_is_the_front_of_the_records(good):
    figure = compute.draw(good)
    (line,) = [each for each in figure.axes[0].lines if each.get_label() == "Pareto front"]
    cells = good.cells
    best = [
        cell
        for cell in cells.itertuples()
        if not ((cells["flops"] <= cell.flops) & (cells["error"] < cell.error)).any()
    ]
    expected = sorted((cell.flops, 100 * (1 - cell.error)) for cell in best)
    assert np.allclose(line.get_xydata(), expected)


def test_bars_are_as_high_as_the_decision_says_and_hatched_where_estimated(good):
    measured = with_decision(good, study=replace(good.decision.study, measured=True))
    axes = carbon.draw(measured).axes[0]
    letter = axes.get_ylabel().split("(")[1].split("g")[0]
    power = {name: power for power, name in PREFIXES.items()}[letter]
    decision = good.decision
    grams = [
        decision.architecture.price.co2_g,
        decision.naive.price.co2_g,
        decision.study.co2_g,
    ]
    assert np.allclose([bar.get_height() * 10.0**power for bar in axes.patches], grams)
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [True, True, False]
    labels = [text.get_text().split("\n")[1] for text in axes.texts]
    assert labels == ["estimated", "estimated", "measured"]


def test_savings_are_told_net_first(good):
    shown = words(carbon.draw(good))
    assert shown.index("(net)") < shown.index("(gross)")


def test_without_n_star_or_naive_there_is_no_bar_and_the_figure_says_why(hard):
    figure = carbon.draw(hard)
    assert len(figure.axes[0].patches) == 2
    assert "No bar for N*: the target is out of the law's reach" in words(figure)
    lone = records(naive=False)
    figure = carbon.draw(lone)
    assert len(figure.axes[0].patches) == 2
    assert "No naive model" in words(figure)


def test_withheld_sizes_carry_what_the_fit_without_them_predicted(noisy):
    points = predicted.unseen(noisy, "1.0")
    told = noisy.fit.fractions["1.0"].laws["error"].withheld.predictions
    assert np.allclose(points.predicted, [100 * (1 - one.predicted) for one in told])
    # An interval of error turns over as an interval of accuracy.
    assert np.allclose(points.lower, [100 * (1 - one.upper) for one in told])
    assert np.allclose(points.upper, [100 * (1 - one.lower) for one in told])
    assert len(points.n) == 2
    every = accuracy.draw(noisy).axes[0].containers
    bars = [bar for bar in every if "to build" not in bar.get_label()]
    (built,) = [bar for bar in every if bar not in bars]
    promised = noisy.decision.architecture.predicted
    drawn = sorted(y for path in built[2][0].get_segments() for y in path[:, 1])
    assert np.allclose(drawn, [100 * (1 - promised.upper), 100 * (1 - promised.lower)])
    ends = sorted(y for bar in bars for path in bar[2][0].get_segments() for y in path[:, 1])
    assert np.allclose(ends, sorted([*points.lower, *points.upper]))


def test_hollow_points_come_from_the_fit_that_has_not_seen_the_withheld(noisy):
    before = predicted.seen(noisy, "1.0")
    assert len(before.n) == 4
    full = curve(noisy.fitted("1.0"), before.n)
    assert not np.allclose(before.predicted, 100 * (1 - full), atol=1e-3)
    # Measurements of withheld sizes must not move what is drawn for the seen ones.
    table = noisy.frame.copy()
    table.loc[table["scale"].isin(["w128", "w256"]), "test_error"] *= 3
    after = predicted.seen(records(table, withhold=2), "1.0")
    assert np.allclose(before.predicted, after.predicted)


def test_star_stands_on_the_target_with_its_interval_and_only_if_there_is_one(good, hard, noisy):
    def star(found):
        lines = accuracy.draw(found).axes[0].lines
        return [each for each in lines if each.get_label().startswith("N* and its")]

    (mark,) = star(good)
    assert np.allclose(mark.get_xydata(), [[good.decision.n_star, 95.0]])
    assert star(hard) == []
    shown = words(accuracy.draw(hard))
    assert "never reaches the target 98.5 %" in shown
    assert "out of reach" in shown
    endless = with_star(noisy, interval=(noisy.decision.star.interval[0], None))
    figure = accuracy.draw(endless)
    assert "∞" in words(figure)
    assert [each.get_marker() for each in figure.axes[0].lines].count(">") == 1
    assert ">" not in [each.get_marker() for each in accuracy.draw(good).axes[0].lines]


def test_the_band_drawn_is_the_bootstraps_and_reaches_the_naive_model(good):
    axes = accuracy.draw(good).axes[0]
    drawn = axes.collections[0].get_paths()[0].vertices
    band = vars(good.bootstrap.fractions["1.0"].band)
    n, accuracy_drawn = drawn.T
    assert n.max() > good.decision.naive.params["total"]
    told = {key: np.interp(np.log(n), np.log(band["params"]), band[key]) for key in band}
    kept = (n >= min(band["params"])) & (n <= max(band["params"]))
    above = accuracy_drawn > 100 * (1 - told["mean"])
    # High accuracy is low error: the band's upper edge is the lower end of the error's.
    for edge, end in ((kept & above, "lower"), (kept & ~above, "upper")):
        assert edge.sum() > 100
        assert np.allclose(accuracy_drawn[edge], 100 * (1 - told[end][edge]), atol=0.02)


def test_surface_meets_each_fractions_law_and_lies_between_them(good):
    n = np.geomspace(500, 1e5, 7)
    laws = {f: curve(good.fitted(f), n) for f in good.fractions}
    height = surface.surface(good, good.fractions, n, np.array([3500.0, 4900.0, 7000.0, 14000.0]))
    assert np.allclose(height[[0, 2, 3]], [laws["0.25"], laws["0.5"], laws["1.0"]])
    assert ((height[1] < laws["0.25"]) & (height[1] > laws["0.5"])).all()


def test_one_fraction_is_no_surface_and_the_picture_says_so():
    found = records(frame(fractions=("1.0",)))
    figure = surface.draw(found)
    assert "One fraction was trained" in words(figure)
    assert not [mesh for axes in figure.axes[:1] for mesh in axes.findobj(match=_mesh)]


def _mesh(artist) -> bool:
    return type(artist).__name__ == "QuadMesh"


def test_a_law_that_loses_to_naive_predictors_is_said_to_in_the_picture(good):
    here = good.fit.fractions["1.0"]
    errors = replace(here.laws["error"].withheld.errors, line=0.0)
    beaten = replace(
        here.laws["error"], withheld=replace(here.laws["error"].withheld, errors=errors)
    )
    fractions = good.fit.fractions | {"1.0": replace(here, laws=here.laws | {"error": beaten})}
    losing = replace(good, fit=replace(good.fit, fractions=fractions))
    for draw in (accuracy.draw, predicted.draw):
        assert "does not beat a log-log line" in words(draw(losing))
        assert "does not beat" not in words(draw(good))


def test_words_never_leave_the_figure_nor_meet(noisy):
    """Lines of text over and under the axes keep clear of each other and of the edges."""
    for draw in DRAW.values():
        figure = draw(noisy)
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in figure.texts]
        boxes += [legend.get_window_extent() for legend in figure.legends]
        boxes += [axes.get_tightbbox() for axes in figure.axes]
        width, height = figure.get_size_inches() * figure.dpi
        for box in boxes:
            assert box.x0 > -1 and box.x1 < width + 1 and box.y0 > -1 and box.y1 < height + 1
        for axes in figure.axes:
            frame_ = axes.get_tightbbox()
            for text in figure.texts:
                box = text.get_window_extent()
                assert box.y0 >= frame_.y1 - 1 or box.y1 <= frame_.y0 + 1


def test_series_differ_without_colour_and_colours_are_okabe_itos():
    okabe_ito = {
        "#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
    }  # fmt: skip
    assert len({look["marker"] for look in style.SERIES}) == len(style.SERIES)
    assert len({str(look["linestyle"]) for look in style.SERIES}) == len(style.SERIES)
    assert {to_hex(look["color"]) for look in style.SERIES} <= okabe_ito


def test_drawing_again_gives_the_same_files(good, tmp_path):
    for path in (tmp_path / "a.svg", tmp_path / "b.svg", tmp_path / "a.png", tmp_path / "b.png"):
        style.save(carbon.draw(good), path)
    for kind in ("svg", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_the_table_shows_what_the_summary_says(good, hard):
    shown = words(draw_table([good.decision, hard.decision]))
    error = good.decision.withheld.errors.law
    assert f"{100 * error:.2f} points" in shown
    assert "none: out of reach" in shown
    assert shown.index("FLOPs saved, net") < shown.index("FLOPs saved, gross")


def test_programs_write_every_figure_the_workflow_expects(good, tmp_path, monkeypatch):
    def run(program: str, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        runpy.run_path(str(SCRIPTS / program), run_name="__main__")

    table = good.frame.reindex(columns=list(COLUMNS))
    table = table.fillna({name: 0 for name, kind in COLUMNS.items() if "None" not in kind})
    table.to_csv(tmp_path / "observations.csv", index=False)
    for name in ("fit", "bootstrap", "decision"):
        typed.write(tmp_path / f"{name}.json", getattr(good, name))
    made = {name: tmp_path / f"{name}.json" for name in ("fit", "bootstrap", "decision")}
    made["observations"] = tmp_path / "observations.csv"
    run("plot.py", job_of(None, made, {"figures": [tmp_path / "figures" / "accuracy.svg"]}))
    files = {path.name for path in (tmp_path / "figures").iterdir()}
    assert files == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    svg = (tmp_path / "figures" / "accuracy.svg").read_text(encoding="utf-8")
    assert "Test accuracy (%)</text>" in svg  # words, not outlines
    figures = [tmp_path / "s.svg", tmp_path / "s.png"]
    decisions = {"decisions": [made["decision"]]}
    run("plot_summary.py", job_of(None, decisions, {"figures": figures}))
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "The study in numbers" in (tmp_path / "s.svg").read_text(encoding="utf-8")


def test_reading_the_catalog_loads_no_plotting_library():
    """The workflow reads it at every parse."""
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import alphascale.plots.catalog; "
        "print([m for m in ('matplotlib', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_withheld_and_seen_sizes_are_called_what_they_are(noisy):
    """By label, mark and place: what is filled in the legend lies where the withheld sizes are."""
    figure = predicted.draw(noisy)
    left, right = figure.axes[:2]
    ladder = {p.total: p.withheld for p in noisy.fit.fractions[noisy.fraction].points}
    expected = {
        kind: sorted(float(n) for n, withheld in ladder.items() if withheld == (kind == "withheld"))
        for kind in ("seen by the fit", "withheld")
    }
    assert [len(sizes) for sizes in expected.values()] == [4, 2]
    found = []
    for axes in (left, right):
        # Of a line with error bars the label is its container's.
        labels = {bar.lines[0]: bar.get_label() for bar in axes.containers}
        for line in axes.lines:
            label = labels.get(line, line.get_label())
            if not label.endswith(f"fraction {noisy.fraction}"):
                continue
            kind = label.split(",")[0]
            hollow = line.get_markerfacecolor() == "none"
            assert hollow == (kind == "seen by the fit")
            assert len(line.get_xdata()) == len(expected[kind])
            if axes is right:  # fractions step aside by 7 %
                assert np.allclose(sorted(line.get_xdata()), expected[kind], rtol=0.1)
            else:
                means = [p for p in noisy.points(noisy.fraction) if p.total in expected[kind]]
                told = [100 * (1 - noisy.stored(p).mean()) for p in means]
                assert np.allclose(sorted(line.get_xdata()), sorted(told))
            found.append((axes is right, kind))
    both = [(place, kind) for place in (False, True) for kind in expected]
    assert sorted(found) == sorted(both)
    shown = words(figure)
    assert "Hollow: sizes the fit has seen" in shown and "Filled: withheld sizes" in shown
    # Accuracy against parameters: a diamond around the mean of each withheld size, rings elsewhere.
    axes = accuracy.draw(noisy).axes[0]
    for label, kind in (
        ("withheld size: mean measured", "withheld"), ("size: mean measured", "seen by the fit"),
    ):  # fmt: skip
        marks = [line for line in axes.lines if line.get_label() == label]
        assert sorted(float(line.get_xdata()[0]) for line in marks) == expected[kind]


CAPTIONED = """
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ResourceSettings

with SnakemakeApi() as api:
    resources = ResourceSettings(cores=1)
    flow = api.workflow(resource_settings=resources, snakefile=Path("Snakefile"))
    for rule in flow._workflow.rules:
        for file in rule.output:
            if flag := file.flags.get("report"):
                caption = Path(flag.caption.get_path_or_uri(secret_free=True)).stem
                title = flag.labels.get("figure", flag.labels.get("table"))
                print(rule.name, Path(str(file)).stem, caption, title, sep="|")
"""


def test_every_file_of_the_report_has_its_own_caption_and_title(root, tmp_path):
    """As Snakemake reads the rules."""
    folder = copy_project(root, tmp_path / "project")
    done = subprocess.run(
        [sys.executable, "-c", CAPTIONED], cwd=folder, env=ENV, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {tuple(line.split("|")) for line in done.stdout.splitlines() if "|" in line}
    for rule, titles in (("plot", FIGURES), ("plot_language", LANGUAGE_FIGURES)):
        expected = {(rule, name, name, title) for name, title in titles.items()}
        assert {row for row in rows if row[0] == rule} == expected
    others = {row[:3] for row in rows if not row[0].startswith("plot") or "summary" in row[0]}
    assert others == {
        ("summary", "summary", "summary"), ("plot_summary", "summary", "summary"),
        ("audit_summary", "audit", "audit"), ("audit_summary", "scales", "scales"),
        ("regimes", "regimes", "regimes"), ("regimes_domain", "regimes", "regimes"),
        ("regimes_domain", "front", "front"),
        ("serving_figures", "serving", "serving"),
        ("page", "study", "page"),
        ("compare", "compare", "compare"), ("compare_domain", "families", "families"),
        # Of no study: one caption says so for all of them.
        *(("literature", name, "literature") for name in (*LITERATURE, *TEXTS, "summary")),
    }  # fmt: skip


@pytest.mark.parametrize("name", [*FIGURES, *SERVING_FIGURES, "summary", "study"])
def test_captions_are_sound_reports(name):
    """Rendered as Snakemake does: jinja, then reStructuredText, which writes its errors inside."""
    from types import SimpleNamespace

    from docutils.core import publish_parts
    from jinja2 import Environment, StrictUndefined

    source = (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8")
    snakemake = SimpleNamespace(wildcards=SimpleNamespace(domain="tabular"))
    caption = Environment(undefined=StrictUndefined).from_string(source).render(snakemake=snakemake)
    body = publish_parts(caption, writer="html", settings_overrides={"report_level": 5})["body"]
    loud = publish_parts(caption, writer="html", settings_overrides={"report_level": 1})["body"]
    assert body == loud
    assert name in ("summary", "study") or "<strong>tabular</strong>" in body
