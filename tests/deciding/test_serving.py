"""What a model costs to keep: limits exclude sizes, requests move the cheapest pair, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alphascale.config import Serving, read_study
from alphascale.deciding.decision import decide
from alphascale.deciding.lifetime import Keeping, keeping
from alphascale.deciding.summary import text
from alphascale.deciding.summary_table import table_rows
from alphascale.errors import UserError
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.networks.count import count_params
from alphascale.plots.records import Records
from alphascale.plots.serving import draw, front
from alphascale.records.data import Meta
from alphascale.records.decision import DecisionRecord
from alphascale.records.serving import Answering, ServedSize, ServingRecord
from alphascale.records.specs import (
    BootstrapSpec,
    DecisionSpec,
    FitSpec,
    Prices,
    ServingSpec,
    Target,
)
from alphascale.records.training import Device
from alphascale.records.typed import Refused, read, write
from alphascale.slices import bootstrap_slice, decision_slice, fit_slice, serving_slice, train_slice
from observations_made import observed
from study_made import own_study

TABLE = Meta("tabular", 7, (54,), None, None, None, None)
WIDTHS = (8, 16, 32, 64, 128, 256)
POOL, EPOCHS, BATCH = 20_000, 5, 100
# A second costs 1 in money, so that what is priced by time is priced by seconds.
PRICES = Prices(
    watts=100.0, flops_per_second=1e9, carbon_g_per_kwh=400.0, carbon_source="stated", pue=1.0,
    price_per_kwh=0.5, price_per_hour=3600.0, currency="EUR",
)  # fmt: skip
LADDER = {f"w{w}": {"width": w} for w in WIDTHS}


def params(width: int) -> int:
    return count_params("mlp", {"width": width}, TABLE)["total"]


def hoffmann(n: float, d: float) -> float:
    return 0.02 + 3.0 * n**-0.5 + 30.0 * d**-0.7


def seconds(n: float) -> float:
    """What a request takes on the made machine: 0.1 ms and 10 ns a parameter."""
    return 1e-4 + 1e-8 * n


def measured(fits: bool = True, **changes) -> ServingRecord:
    """Every size of the ladder and the naive one on a machine of which all is known."""
    sizes = LADDER | {"the naive model": {"width": 4096}}

    def of(width: int) -> Answering | Refused:
        n = params(width)
        if not fits:
            return Refused("it does not fit into memory")
        return Answering(
            100, seconds(n), 1.5 * seconds(n), 512, 1e4, 4 * n, 4 * n + 1000, 20 * seconds(n),
            "estimated: 20 W (made)", 0.0,
        )  # fmt: skip

    return ServingRecord(
        ServingSpec("d", "mlp", LADDER, {"width": 4096}, "total", 1, "float32", "cpu"),
        "code",
        [
            ServedSize(
                name, size,
                {"total": params(size["width"]), "non_embedding": params(size["width"])},
                2 * params(size["width"]), of(size["width"]),
            )
            for name, size in sizes.items()
        ],
        "made", Device("cpu", "made", "float32", 1), **{"others": 0.0, **changes},
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> tuple:
    sizes = {f"w{w}": params(w) for w in WIDTHS}
    frame = observed(
        sizes, hoffmann, noise=0.002, pool=POOL, epochs=EPOCHS,
        fractions=("0.125", "0.25", "0.5", "1.0"),
    )  # fmt: skip
    fits = fit_domain("d", FitSpec("power_floor", "total", withhold=1), frame)
    boot = BootstrapSpec("power_floor", "total", "error", 200, level=0.95, seed=0)
    return frame, fits, bootstrap_domain("d", boot, frame, fits)


def decided(
    fitted: tuple, asked: Serving | None, record: ServingRecord | None = None,
    target: float = 0.10, **changes,
) -> DecisionRecord:  # fmt: skip
    frame, fits, bootstrap = fitted
    spec = DecisionSpec(
        domain="d", metric="error", target=Target("error", target), family="mlp", ladder=LADDER,
        naive={"width": 4096}, epochs=EPOCHS, batch_size=BATCH, members=3, counted="total",
        level=0.95, costs=replace(PRICES, **changes), serving=asked,
    )  # fmt: skip
    record = record or measured()
    return decide(spec, frame, fits, bootstrap, TABLE, serving=record if asked else None)


def said(decision: DecisionRecord) -> str:
    return " ".join(text([decision]).split())


def test_without_the_section_nothing_is_asked_and_nothing_said(fitted: tuple, tmp_path) -> None:
    found = decided(fitted, None)
    assert found.serving is None and "serving" not in text([found])
    assert not [name for name in table_rows([found])[0] if "serving" in name or "life" in name]
    study = read_study(own_study(tmp_path))
    assert serving_slice(study, "table") is None
    asked = read_study(own_study(tmp_path) | {"serving": {"latency_ms": 5, "batch": 2}})
    # It is the decision's and the measurement's, and makes nothing else stale; what is measured
    # does not hang on limits.
    for of in (fit_slice, bootstrap_slice):
        assert of(asked, "table") == of(study, "table")
    assert train_slice(asked, "table", "w2", "1.0") == train_slice(study, "table", "w2", "1.0")
    assert decision_slice(asked, "table").serving == Serving(latency_ms=5, batch=2)
    other = read_study(own_study(tmp_path) | {"serving": {"memory_mb": 1, "batch": 2}})
    assert serving_slice(other, "table") == serving_slice(asked, "table")
    with pytest.raises(UserError, match=r"serving\.latency_ms"):
        read_study(own_study(tmp_path) | {"serving": {"latency_ms": 0}})
    with pytest.raises(UserError, match=r"write 1\.0e\+9"):
        read_study(own_study(tmp_path) | {"serving": {"requests": "1.0e9"}})


def test_what_is_built_is_read_off_the_curve_and_the_naive_model_as_measured(fitted) -> None:
    found = decided(fitted, Serving(requests=1e6)).serving
    n = decided(fitted, None).architecture.params["total"]
    build, naive = found.build.serves, found.naive.serves
    assert not build.measured and naive.measured and not build.beyond
    assert build.seconds.mean == pytest.approx(seconds(n), rel=0.02)
    assert build.seconds.lower < seconds(n) < build.seconds.upper
    assert naive.seconds.mean == seconds(params(4096)) and naive.seconds.lower is None


def test_a_life_is_one_training_its_labels_and_all_requests(fitted: tuple) -> None:
    plain = decided(fitted, None)
    found = decided(fitted, Serving(requests=1e6), price_per_label=0.01).serving
    for life, run in ((found.build, plain.architecture), (found.naive, plain.naive)):
        each = life.serves.seconds.mean
        assert life.serving_money == pytest.approx(1e6 * each)  # a second costs 1
        assert life.serving_kwh == pytest.approx(1e6 * 20 * each / 3.6e6, rel=0.02)
        assert life.money == pytest.approx(life.serving_money + run.price.money + 0.01 * POOL)
        assert life.kwh == pytest.approx(life.serving_kwh + run.price.kwh)
        assert life.co2_g == pytest.approx(400 * life.kwh)
    whole = found.naive.money
    assert found.money == pytest.approx(1 - (plain.study.money + found.build.money) / whole)
    assert found.energy == pytest.approx(1 - (plain.study.kwh + found.build.kwh) / found.naive.kwh)


def test_energy_is_paid_by_the_kilowatt_hour_where_no_hour_has_a_price(fitted: tuple) -> None:
    found = decided(fitted, Serving(requests=1e6), price_per_hour=None, pue=1.5).serving
    joules = found.naive.serves.joules.mean
    assert found.naive.serving_money == pytest.approx(1e6 * joules / 3.6e6 * 1.5 * 0.5)
    # Eight at once: the batch takes what it takes, an eighth of it for each.
    batch = decided(fitted, Serving(requests=1e6, batch=8), price_per_hour=None, pue=1.5).serving
    assert batch.naive.serving_money == pytest.approx(found.naive.serving_money / 8)


def test_a_limit_excludes_and_says_how_far_one_gets_within_it(fitted: tuple) -> None:
    free = decided(fitted, Serving())
    n = free.architecture.params["total"]
    within = decided(fitted, Serving(latency_ms=1e3 * 1.5 * seconds(1.3 * n), memory_mb=50))
    assert within.architecture == free.architecture and not within.serving.excluded
    assert "within " in said(within) and "and 50 MB" in said(within)
    tight = decided(fitted, Serving(latency_ms=1e3 * 1.5 * seconds(0.5 * n)))
    assert tight.architecture is None and tight.serving.excluded and tight.saving is None
    limit = tight.serving.limit
    assert limit.limit == "latency_ms" and limit.params == pytest.approx(0.5 * n, rel=0.03)
    assert limit.predicted.mean == pytest.approx(hoffmann(limit.params, POOL), rel=0.03)
    assert limit.chance < 0.5
    words = said(tight)
    assert (
        "which the target asks for, take" in words and "the largest that keeps the limit" in words
    )
    assert "error 1" in words and "and one run reaches the target with" in words
    assert "a limit excludes what the target asks for" in words
    assert "what to build is" not in words  # nothing is, however far beyond the ladder
    (row,) = table_rows([tight])
    assert row["serving_excluded"] is True and row["build"] is None
    assert row["serving_largest"] == limit.params
    # By memory, which 4 bytes a parameter take.
    memory = decided(fitted, Serving(memory_mb=1e-3 + 4e-6 * 0.5 * n)).serving.limit
    assert memory.limit == "memory_mb" and memory.params == pytest.approx(0.5 * n, rel=0.03)


# Milliseconds within which 95 % were answered, by parameters, on a machine half busy with others:
# these slowed the smallest most.
BUSY = {
    44: 0.22994, 102: 0.24791, 176: 0.18896, 266: 0.17549, 494: 0.18804, 1142: 0.19164,
    2312: 0.22337, 5016: 0.26837, 135_426: 0.26971,
}  # fmt: skip


def on_a_busy_machine(asked: Serving) -> Keeping:
    made = measured()
    sizes = [
        replace(
            made.sizes[0], name=f"n{n}", size={"params": n}, params={"total": n},
            answering=replace(made.sizes[0].answering, seconds_95=1e-3 * ms, memory_bytes=8 * n),
        )
        for n, ms in BUSY.items()
    ]  # fmt: skip
    return keeping(asked, replace(made, sizes=sizes), PRICES, 0.95)


def test_what_a_larger_size_was_measured_to_keep_every_smaller_one_keeps() -> None:
    kept = on_a_busy_machine(Serving(latency_ms=0.2))
    assert kept.curves["seconds_95"].at(956) > 0.2e-3  # the curve alone would exclude it
    for n in (44, 956, 1142):
        assert kept.broken(n, kept.serves({"params": n}, n)) == []
    # 2,312 was measured to break it: so does every larger one.
    for n in (2312, 2313, 5016):
        assert kept.broken(n, kept.serves({"params": n}, n)) == ["latency_ms"]
    assert kept.largest() == ("latency_ms", 1142)
    # Where nothing measured keeps it, no size does, whatever the curve says.
    assert on_a_busy_machine(Serving(latency_ms=0.17)).largest()[1] < 44
    # Between what was measured to keep it and what was not the curve says how far.
    free = keeping(Serving(latency_ms=1.5e3 * seconds(5000.7)), measured(), PRICES, 0.95)
    assert free.largest()[1] == pytest.approx(5000, rel=0.01)
    assert free.largest()[1] == int(free.largest()[1])
    # The largest measured keeps it: no size is excluded that the curve would not exclude.
    assert on_a_busy_machine(Serving(latency_ms=0.27)).largest()[1] >= 135_426


def slow(record: ServingRecord, times: float, below: float) -> ServingRecord:
    """The same on a machine that was busy while sizes below some N were measured."""
    return replace(record, sizes=[
        replace(each, answering=replace(
            each.answering, seconds_95=each.answering.seconds_95
            * (times if each.params["total"] < below else 1.0),
        ))
        for each in record.sizes
    ])  # fmt: skip


def test_a_size_below_one_that_keeps_the_limit_is_built_and_the_reason_said(fitted) -> None:
    free = decided(fitted, Serving())
    n = free.architecture.params["total"]
    larger = min(params(w) for w in (*WIDTHS, 4096) if params(w) > n)
    asked = Serving(latency_ms=1.5e3 * seconds(larger) * 1.01)
    found = decided(fitted, asked, slow(measured(), 3.0, larger))
    takes = found.serving.build.serves.seconds_95
    assert takes.mean > 1e-3 * asked.latency_ms  # by the curve
    assert found.architecture == free.architecture and not found.serving.excluded
    assert "a larger size was measured to keep the limit" in said(found)


def test_a_limit_within_the_interval_is_said_to_be(fitted: tuple) -> None:
    n = decided(fitted, Serving()).architecture.params["total"]
    noise = iter(np.exp(0.05 * np.random.default_rng(3).standard_normal(len(LADDER) + 1)))
    made = measured()
    made = replace(made, sizes=[
        replace(each, answering=replace(
            each.answering, seconds_95=each.answering.seconds_95 * next(noise)
        ))
        for each in made.sizes
    ])  # fmt: skip
    middle = decided(fitted, Serving(), made).serving.build.serves.seconds_95.mean
    near = decided(fitted, Serving(latency_ms=1.01e3 * middle, memory_mb=500), made)
    takes = near.serving.build.serves.seconds_95
    assert takes.lower < 1.01 * middle < takes.upper and not near.serving.excluded
    limit = f"{1.01e3 * middle:g} ms"
    assert f"within {limit} and 500 MB; the limit of {limit} lies within its interval" in said(near)
    far = decided(fitted, Serving(latency_ms=3e3 * middle), made)
    assert "within its interval" not in said(far)
    over = decided(fitted, Serving(latency_ms=0.99e3 * middle), made)
    assert over.serving.excluded and "the limit lies within its interval)" in said(over)
    assert over.serving.limit.params < n


def test_a_naive_model_beyond_a_limit_is_said_to_be(fitted: tuple) -> None:
    n = decided(fitted, Serving()).architecture.params["total"]
    asked = Serving(memory_mb=1e-3 + 4e-6 * 1.5 * n, latency_ms=1e3)
    found = decided(fitted, asked)
    assert found.architecture is not None
    assert f"the naive model is beyond {asked.memory_mb:g} MB" in said(found)
    assert "beyond 1000 ms" not in said(found)
    assert "the naive model is beyond" not in said(decided(fitted, Serving(memory_mb=1e5)))


def test_a_limit_that_no_size_keeps(fitted: tuple) -> None:
    found = decided(fitted, Serving(latency_ms=0.01))
    assert found.serving.limit.params is None and found.architecture is None
    assert "even the smallest size measured is beyond latency_ms" in said(found)
    assert found.joint.params is None
    assert "within the limits of serving the joint law alone never reaches" in said(found)
    assert "nothing is recommended within the limits of serving" in said(found)


def test_the_cheapest_pair_counts_requests_and_keeps_the_limits(fitted: tuple) -> None:
    """On a fine grid of D by hand: N from the law, seconds of training and of requests."""
    d = np.geomspace(POOL / 8, POOL, 20_001)
    left = 0.10 - 0.02 - 30.0 * d**-0.7
    n = np.where(left > 0, (3.0 / np.maximum(left, 1e-12)) ** 2, np.inf)
    label, sizes = 1e-3, []
    for requests in (0.0, 1e4, 1e6):
        whole = label * d + 6 * n * d * EPOCHS / 1e9 + (requests and requests * seconds(n))
        best = whole.argmin()
        pair = decided(fitted, Serving(requests=requests), price_per_label=label).joint
        assert pair.money.total == pytest.approx(whole[best], rel=0.03)
        words = said(decided(fitted, Serving(requests=requests), price_per_label=label))
        life = f"money over its life, with {requests:,.0f} requests: " if requests else "money: "
        assert f"the cheapest in {life}" in words
        assert pair.params == pytest.approx(n[best], rel=0.2)
        sizes.append((pair.params, pair.samples))
        served = requests * seconds(pair.params)
        assert (pair.money.serving or 0.0) == pytest.approx(served, rel=0.03)
    # The more is served, the smaller the model and the more data it is worth.
    assert sizes[0][0] > 1.5 * sizes[2][0] and sizes[0][1] < sizes[2][1]
    assert sizes == sorted(sizes, reverse=True) or sizes[0][1] <= sizes[1][1] <= sizes[2][1]
    most = 0.8 * sizes[0][0]
    asked = Serving(latency_ms=1e3 * 1.5 * seconds(most))
    limited = decided(fitted, asked, price_per_label=label).joint
    assert limited.params <= most * 1.03 and limited.samples > sizes[0][1]


def test_requests_are_told_where_the_trainings_times_carry_nothing(fitted: tuple) -> None:
    frame, fits, bootstrap = fitted
    noisy = frame.assign(job_seconds=np.random.default_rng(0).uniform(1, 400, len(frame)))
    given = {"flops_per_second": None}
    few = decided((noisy, fits, bootstrap), Serving(requests=10), **given)
    assert few.serving.naive.money is None and few.serving.money is None
    assert "beside a training that the jobs' times do not carry" in said(few)
    assert "requests not counted" in said(few)
    many = decided((noisy, fits, bootstrap), Serving(requests=1e9), **given)
    life = many.serving.naive
    assert life.money == pytest.approx(life.serving_money, rel=0.01) and life.money > 0
    assert many.joint.money.serving > 0 and "the requests" in said(many)


def test_a_machine_that_fits_nothing_or_was_busy_says_so(fitted: tuple, tmp_path) -> None:
    none = decided(fitted, Serving(latency_ms=1), measured(fits=False))
    assert none.serving == Refused("no size answered a batch: it does not fit into memory")
    assert none.architecture is not None and "not told: no size answered" in said(none)
    busy = decided(fitted, Serving(), measured(others=0.6))
    assert "60 % of its CPU time was other processes'" in said(busy)
    for name, each in (("none", none), ("busy", busy)):
        write(tmp_path / name, each)
        assert read(tmp_path / name, DecisionRecord) == each


def test_the_front_is_what_nothing_beats() -> None:
    x, y = np.array([1.0, 2.0, 2.0, 3.0, 1.0]), np.array([3.0, 1.0, 2.0, 1.0, 3.0])
    assert front(x, y).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize(
    "asked", [Serving(requests=1e6, latency_ms=0.2), Serving(memory_mb=3.0, batch=4)]
)
def test_the_figure_shows_sizes_decision_and_limit(fitted: tuple, asked: Serving) -> None:
    frame, fits, bootstrap = fitted
    found = decided(fitted, asked)
    figure = draw(Records(frame, fits, bootstrap, found), measured())
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert "answered within (ms)" in labels[0] and "Energy" in labels[1]
    assert ("requests (EUR)" in labels[2]) is bool(asked.requests)
    limited = figure.axes[0 if asked.latency_ms else 2]
    assert ["limit" in text.get_text() for text in limited.texts] == [True]
    if asked.requests:
        assert "1,000,000 requests" in labels[2]
        said = " ".join(" ".join(each.get_text() for each in figure.texts).split())
        assert "1,000,000 requests" in said
    first = {line.get_label(): line for line in figure.axes[0].lines}
    naive = first["naive model, predicted"]
    assert naive.get_xdata()[0] == pytest.approx(1.5e3 * seconds(params(4096)))
    trained = first["size trained"]
    assert sorted(trained.get_xdata()) == pytest.approx(
        [1.5e3 * seconds(params(w)) for w in WIDTHS]
    )


def trained_at(axes) -> list[float]:
    """x of the sizes trained, filled and hollow."""
    points = [line for line in axes.lines if line.get_marker() == "o"]
    return sorted(float(x) for line in points for x in line.get_xdata())


def test_the_figures_money_is_of_what_was_measured_too(fitted: tuple) -> None:
    frame, fits, bootstrap = fitted
    found = decided(fitted, Serving(requests=1e6))
    records = Records(frame, fits, bootstrap, found)
    made, largest = measured(), seconds(params(WIDTHS[-1]))
    slower = replace(made, sizes=[
        replace(each, answering=replace(each.answering, seconds=2 * each.answering.seconds))
        if each.name == f"w{WIDTHS[-1]}" else each
        for each in made.sizes
    ])  # fmt: skip
    before, after = (trained_at(draw(records, each).axes[2]) for each in (made, slower))
    assert after[:-1] == pytest.approx(before[:-1])
    assert after[-1] - before[-1] == pytest.approx(1e6 * largest)  # a second costs 1


def test_a_limit_far_off_stands_at_the_panels_end_and_does_not_stretch_it(fitted: tuple) -> None:
    frame, fits, bootstrap = fitted
    ends = {}
    for limit in (None, 0.2, 1e4):
        found = decided(fitted, Serving(latency_ms=limit))
        axes = draw(Records(frame, fits, bootstrap, found), measured()).axes[0]
        ends[limit] = axes.get_xlim()
        words = {None: [], 0.2: ["limit 0.2"], 1e4: ["limit 10,000 →"]}
        assert [text.get_text() for text in axes.texts] == words[limit]
    assert ends[1e4] == pytest.approx(ends[None])


def test_a_figure_without_serving_says_why(fitted: tuple) -> None:
    frame, fits, bootstrap = fitted
    record = measured(fits=False)
    figure = draw(Records(frame, fits, bootstrap, decided(fitted, Serving(), record)), record)
    assert "does not fit into memory" in figure.axes[0].texts[0].get_text().replace("\n", " ")
