"""`alphascale decide`: what a study would decide, from a table, with nothing of a study at hand."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from alphascale import laws
from alphascale.cli import main
from alphascale.deciding.decision import decide
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.networks.count import count_flops, count_params
from alphascale.outside.decided import UNCOUNTED
from alphascale.page.build import read_page
from alphascale.records.audit import AuditRecord
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import Meta
from alphascale.records.decision import CheapestPair, DataNeeded, DecisionRecord
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import BootstrapSpec, DecisionSpec, FitSpec, Prices, Target
from alphascale.records.typed import read
from observations_made import observed

SIZES = (10_000, 40_000, 160_000, 640_000)
FLOOR, AMPLITUDE, ALPHA = 0.03, 3.0, 0.4


def written(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def twelve(noise: float = 0.01, sizes: Sequence[int] = SIZES, **more: object) -> list[dict]:
    """Twelve runs whose error is a power of N and a floor; more: further cells of every row."""
    rng = np.random.default_rng(0)
    return [
        {
            "params": n,
            "seed": seed,
            "accuracy": 1 - FLOOR - AMPLITUDE * n**-ALPHA * np.exp(noise * rng.standard_normal()),
            **more,
        }
        for n in sizes
        for seed in range(3)
    ]


def decided(path: Path, *options: str, target: str = "accuracy=.95") -> DecisionRecord:
    assert main(["decide", str(path), "--target", target, *options]) == 0
    return read(path.with_suffix("") / "decision" / f"{path.stem}.json", DecisionRecord)


def refused(capsys, path: Path, *options: str, target: str = "accuracy=.95") -> str:
    """The one line that a fault ends in."""
    capsys.readouterr()
    assert main(["decide", str(path), "--target", target, *options]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said and said.startswith("alphascale decide: ")
    return said.removeprefix("alphascale decide: ")


def test_a_known_law_is_recovered_and_every_record_is_a_studys(tmp_path, capsys) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    found = decided(path, "--naive", "1e8", "--samples", "50000", "--epochs", "3")
    truth = (AMPLITUDE / (0.05 - FLOOR)) ** (1 / ALPHA)
    assert found.n_star == pytest.approx(truth, rel=0.05)
    assert found.star.interval[0] < truth < found.star.interval[1]
    assert found.architecture.size == {"params": found.architecture.params["total"]}
    assert found.architecture.params["total"] == int(np.ceil(found.recommended))
    spent = sum(6 * n * 3 * 50_000 * 3 for n in SIZES)
    built = 6 * found.architecture.params["total"] * 50_000 * 3
    naive = 6 * 1e8 * 50_000 * 3
    assert found.study.flops == spent
    assert found.architecture.price.flops == pytest.approx(built, rel=1e-9)
    assert found.saving.gross == pytest.approx(1 - built / naive)
    assert found.saving.net == pytest.approx(1 - (built + spent) / naive)
    out = tmp_path / "runs"
    assert len(read_frame(out / "observations" / "runs.csv")) == 12
    for kind, record in (
        ("fit", FitRecord),
        ("bootstrap", BootstrapRecord),
        ("audit", AuditRecord),
    ):
        assert read(out / kind / "runs.json", record).domain == "runs"
    said = capsys.readouterr().out
    assert said.split("\n")[2].startswith("  withheld  the law missed")
    assert (out / "summary.txt").read_text() in said and "already spent" in said


@pytest.mark.parametrize("fractions", [("1.0",), ("0.25", "0.5", "1.0")])
def test_it_decides_as_a_study_does_on_the_same_runs(tmp_path, fractions) -> None:
    """Those of an MLP ladder: the family's network has a few parameters more than the law asks
    for, so what rests on it agrees to that."""
    meta = Meta("tabular", 7, (54,), None, None, None, None)
    widths = {f"w{w}": {"width": w} for w in (8, 16, 32, 64, 128)}
    sizes = {scale: count_params("mlp", size, meta)["total"] for scale, size in widths.items()}
    frame = observed(
        sizes, lambda n, d: 0.02 + 4.0 * n**-0.5 * (4000 / d) ** 0.3, noise=0.02, pool=4000,
        epochs=5, fractions=fractions,
    )  # fmt: skip
    step = {scale: count_flops("mlp", size, meta)["training"] for scale, size in widths.items()}
    frame["step_flops"] = frame["scale"].map(step)
    frame["flops"] = frame["step_flops"] * frame["samples_seen"]
    frame["job_flops"] = 3 * frame["flops"]
    frame["job_seconds"] = 3 * frame["flops"] / 1e9
    costs = Prices(300.0, None, 56.0, "stated", 1.0, 0.2, None, "EUR")
    naive = {"width": 2048}
    target = Target("accuracy", 0.955)
    spec = DecisionSpec(
        "runs", "error", target, "mlp", widths, naive, epochs=5, batch_size=1, members=3,
        counted="total", level=0.95, costs=costs,
    )  # fmt: skip
    fits = fit_domain("runs", FitSpec("auto", "total", 1, metrics=("error",)), frame)
    draws = bootstrap_domain(
        "runs", BootstrapSpec("auto", "total", "error", 1000, 0.95, 0), frame, fits
    )
    study = decide(spec, frame, fits, draws, meta)
    table = frame.assign(
        accuracy=1 - frame["test_error"], epochs=5, seconds=frame["flops"] / 1e9, status="ok"
    )[["params", "samples", "seed", "epochs", "flops", "seconds", "accuracy", "status"]]
    path = tmp_path / "runs.csv"
    table.sample(frac=1, random_state=1).to_csv(path, index=False)  # in any order
    n = count_params("mlp", naive, meta)["total"]
    own = decided(
        path, "--naive", str(n), "--tested", "1000000", "--costs", "watts=300,carbon=56",
        "--price-per-kwh", ".2", target="accuracy=.955",
    )  # fmt: skip
    # 1 − (1 − error) is not quite the error.
    assert own.n_star == pytest.approx(study.n_star, rel=1e-6)
    assert own.star.interval == pytest.approx(study.star.interval, rel=1e-6)
    assert own.star.confident == pytest.approx(study.star.confident, rel=1e-6)
    assert own.withheld.errors.law == pytest.approx(study.withheld.errors.law, rel=1e-6)
    assert own.study.flops == pytest.approx(study.study.flops)
    assert own.study.co2_g == pytest.approx(study.study.co2_g)
    ratio = study.architecture.params["total"] / own.architecture.params["total"]
    assert 1 <= ratio < 1.1
    assert own.saving.gross == pytest.approx(study.saving.gross, rel=0.01)
    assert own.saving.net == pytest.approx(study.saving.net, rel=0.01)
    assert own.architecture.price.money * ratio == pytest.approx(
        study.architecture.price.money, rel=0.02
    )
    if len(fractions) > 1:
        assert isinstance(own.joint, CheapestPair) and isinstance(own.data, DataNeeded)
        assert own.joint.params == pytest.approx(study.joint.params, rel=1e-6)
        assert own.joint.flops == pytest.approx(study.joint.flops, rel=1e-6)
        assert own.data.needs == pytest.approx(study.data.needs, rel=1e-6)


def test_neither_torch_nor_snakemake_is_needed(tmp_path) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    blocked = "import sys; sys.modules.update(dict.fromkeys(['torch','snakemake','sklearn']));"
    run = f"{blocked} from alphascale.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", run, "decide", str(path), "--target", "accuracy=.95"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    without = run.replace("'torch'", "'pandas'")
    done = subprocess.run(
        [sys.executable, "-c", without, "decide", str(path), "--target", "accuracy=.95"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and "pip install 'alphascale[" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_not_known_is_not_told(tmp_path, capsys) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    found = decided(path, "--naive", "1e8")
    assert found.study.factor is found.architecture.price.factor is None
    assert found.saving.energy is None and found.samples is None
    said = capsys.readouterr().out
    assert "Wh" not in said and " CO₂," not in said.replace("energy, CO₂", "") and "USD" not in said
    assert "1.74 MFLOP a sample" in said and "those of ONE sample" in said
    assert found.study.kwh == found.naive.price.money == 0.0
    audit = read(tmp_path / "runs" / "audit" / "runs.json", AuditRecord)
    told = {check.check: check for check in audit.checks}
    for name in ("counting rule", "divergences", "learning-rate edges"):
        assert (told[name].status == "warned" and "tell" in told[name].figure) or "told" in told[
            name
        ].figure
    # Seconds alone are no energy; with watts they are.
    timed = written(
        tmp_path / "timed.csv",
        [row | {"seconds": row["params"] / 1e3, "flops": 3e8 * row["params"]} for row in twelve()],
    )
    watt_less = decided(timed, "--naive", "1e8")
    assert watt_less.study.factor is watt_less.saving.energy is None
    priced = decided(timed, "--watts", "100")
    assert priced.study.factor == 1.0
    assert priced.study.kwh == pytest.approx(sum(3 * n / 1e3 for n in SIZES) * 100 / 3.6e6)
    assert "FLOP a sample" not in capsys.readouterr().out


def test_flops_of_the_table_are_followed_between_and_beyond_its_sizes(tmp_path) -> None:
    rows = [row | {"flops": 5e3 * row["params"] ** 1.2} for row in twelve()]
    found = decided(written(tmp_path / "runs.csv", rows), "--naive", "1e8")
    n = found.architecture.params["total"]
    assert found.architecture.price.flops == pytest.approx(5e3 * n**1.2, rel=1e-3)
    assert found.naive.price.flops == pytest.approx(5e3 * 1e8**1.2, rel=1e-3)
    # Of the rows that have none they are read off the others, and that is said.
    for row in rows:
        row["flops"] = 5e3 * row["params"] if row["params"] not in SIZES[1::2] else ""
    some = decided(written(tmp_path / "some.csv", rows))
    assert some.study.flops == pytest.approx(sum(3 * 5e3 * n for n in SIZES), rel=1e-3)
    assert any("6 of 12 rows have no FLOPs" in line for line in some.run_warnings)


def test_the_best_of_a_sweep_is_taken_where_that_is_asked(tmp_path, capsys) -> None:
    worse = {0.001: 0.0, 0.01: -0.02, 0.1: -0.01}
    rows = [
        row | {"learning_rate": rate, "accuracy": row["accuracy"] + off}
        for row in twelve()
        for rate, off in worse.items()
    ]  # fmt: skip
    path = written(tmp_path / "runs.csv", rows)
    all_of_them = decided(path)
    assert any("several learning rates" in line for line in all_of_them.run_warnings)
    best = decided(path, "--best-of", "learning_rate")
    frame = read_frame(tmp_path / "runs" / "observations" / "runs.csv")
    assert set(frame["learning_rate"]) == {0.001} and len(frame) == 12
    assert (frame["job_members"] == 9).all() and best.study.members == 36
    assert best.study.flops == all_of_them.study.flops  # what was tried has cost
    assert set(frame["warnings"]) == {"learning_rate_edge"}
    edges = read(tmp_path / "runs" / "audit" / "runs.json", AuditRecord)
    assert "4 of 4 cells chose the edge of 3" in str(edges.checks)


def test_runs_that_diverged_are_counted_and_fitted_to_nothing(tmp_path) -> None:
    rows = [row | {"status": "ok"} for row in twelve()]
    kept = decided(written(tmp_path / "kept.csv", rows))
    rows.append({"params": 40_000, "seed": 7, "accuracy": "", "status": "diverged"})
    rows.append({"params": 640_000, "seed": 8, "accuracy": "", "status": "unfinished"})
    lost = decided(written(tmp_path / "lost.csv", rows))
    assert "1 run(s) did not finish and are left out, their cost too: line 15" in lost.run_warnings
    assert lost.star == kept.star
    assert lost.study.members == 13 and "1 of 13 runs diverged" in str(lost.run_warnings)


def test_groups_are_decided_apart_and_conditions_hold(tmp_path) -> None:
    rows = [row | {"task": task} for row in twelve() for task in ("easy one", "hard")]
    for row in rows:
        if row["task"] == "hard":
            row["accuracy"] -= 0.01
    path = written(tmp_path / "runs.csv", rows)
    assert main(["decide", str(path), "--target", "accuracy=.95", "--group", "task"]) == 0
    easy, hard = (
        read(tmp_path / "runs" / "decision" / f"{name}.json", DecisionRecord)
        for name in ("easy-one", "hard")
    )
    assert easy.n_star < hard.n_star
    alone = decided(path, "--where", "task == hard")
    assert alone.run_warnings[0] == "where task == hard: 12 of 24 rows"
    assert alone.star == hard.star


@pytest.mark.parametrize("column", ["error", "test_error"])
def test_an_accuracy_is_found_in_a_column_of_errors(tmp_path, column) -> None:
    plain = decided(written(tmp_path / "plain.csv", twelve()))
    rows = twelve()
    for row in rows:
        row[column] = 1 - row.pop("accuracy")
    assert decided(written(tmp_path / "runs.csv", rows)).n_star == pytest.approx(plain.n_star)


def test_a_perplexity_is_the_exponential_of_a_loss(tmp_path) -> None:
    rows = [
        {"params": n, "tokens": 10**9, "perplexity": float(np.exp(2.0 + 30.0 * n**-0.3))}
        for n in (10**6, 10**7, 10**8, 10**9)
    ]
    found = decided(written(tmp_path / "runs.csv", rows), target="perplexity=9")
    truth = (30.0 / (np.log(9) - 2.0)) ** (1 / 0.3)
    assert found.target.perplexity == 9.0
    assert found.n_star == pytest.approx(truth, rel=0.2)
    by_loss = [row | {"loss": np.log(row["perplexity"])} for row in rows]
    for row in by_loss:
        del row["perplexity"]
    same = decided(written(tmp_path / "loss.csv", by_loss), target="perplexity=9")
    assert same.n_star == pytest.approx(found.n_star, rel=1e-6)


def test_two_targets_are_both_reached(tmp_path) -> None:
    rows = [row | {"loss": 4 * (1 - row["accuracy"])} for row in twelve()]
    path = written(tmp_path / "runs.csv", rows)
    one = decided(path)
    both = decided(path, "--target", "loss=.16")
    assert both.target.metric == "loss" and both.n_star > one.n_star
    assert [each.target.metric for each in both.others] == ["accuracy"]


def test_figures_are_those_that_there_are_numbers_for(tmp_path) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    decided(path, "--figures", "--samples", "1000")
    drawn = {each.stem for each in (tmp_path / "runs" / "figures" / "runs").iterdir()}
    assert drawn == {"accuracy", "predicted", "compute"}


def test_costs_are_those_of_a_study(tmp_path, capsys) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    prices = tmp_path / "costs.yaml"
    prices.write_text(
        "costs:\n  watts: 250\n  carbon_g_per_kwh: France\n  flops_per_second: 1e12\n"
    )
    found = decided(path, "--samples", "1000", "--costs", str(prices), "--watts", "300")
    assert found.costs.watts == 300 and found.costs.carbon_g_per_kwh < 100
    assert found.study.seconds == pytest.approx(found.study.flops / 1e12)
    for word, told in (
        ("wats=3", "did you mean watts"), ("watts=-3", "watts"), ("nowhere.yaml", "cannot be read"),
        ("carbon=Atlantis", "Atlantis"),
    ):  # fmt: skip
        assert told in refused(capsys, path, "--costs", word)


def spoilt(**cells: object) -> list[dict]:
    """Twelve runs, one of them with other cells."""
    rows = twelve()
    rows[4].update(cells)
    return rows


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        (twelve(), ("--params", "parms"), "did you mean 'params'?"),
        (twelve(sizes=SIZES[:2]), (), "2 size(s)"),
        (twelve(), ("--metric", "accuracy=acc"), "column 'acc' is missing"),
        (twelve(), ("--best-of", "rate"), "column 'rate' is missing"),
        (twelve(), ("--level", "95"), "--level 95"),
        (twelve(), ("--confidence", "1.5"), "--confidence"),
        (twelve(status="finished"), (), "line 2: column 'status': 'finished' is neither ok"),
        (twelve(samples=""), ("--samples", "samples"), "line 2: column 'samples'"),
        (spoilt(accuracy=94.2), (), "line 6: column 'accuracy': 94.2 is no share; is it percent?"),
        (spoilt(accuracy=""), (), "line 6: column 'accuracy'"),
        (spoilt(accuracy=-0.1), (), "line 6: column 'accuracy': -0.1 cannot be"),
        (spoilt(accuracy=1), (), "--tested N"),
        (spoilt(params=0.04), (), "line 6: column 'params': 0.04 is no number of parameters"),
        ([row | {"d": row["params"]} for row in twelve()], (), "--samples none"),
    ],
)  # fmt: skip
def test_every_fault_is_one_line_that_says_what_to_do(
    tmp_path, capsys, rows, options, told
) -> None:
    assert told in refused(capsys, written(tmp_path / "runs.csv", rows), *options)


@pytest.mark.parametrize(
    ("target", "told"),
    [("accuracy=95", "accuracy=0.95"), ("acuracy=.9", "did you mean accuracy?"),
     ("loss=-1", "loss"), ("accuracy", "is no number"), ("r2=.9", "--metric r2=COLUMN"),
     ("accuracy=1", "accuracy=1")],
)  # fmt: skip
def test_a_target_that_cannot_be_is_refused(tmp_path, capsys, target, told) -> None:
    assert told in refused(capsys, written(tmp_path / "runs.csv", twelve()), target=target)


def test_rows_without_numbers_are_left_out_only_where_that_is_asked(tmp_path) -> None:
    rows = spoilt(accuracy="?")
    found = decided(written(tmp_path / "runs.csv", rows), "--skip-invalid")
    assert found.run_warnings[0].startswith("1 row(s) left out: column 'accuracy'")
    assert found.study.members == 11


def test_samples_that_go_with_the_size_are_one_ladder_where_that_is_asked(tmp_path) -> None:
    """Each size on 20 tokens a parameter: FLOPs are then 120·N², and N* is of such models."""
    rows = [row | {"tokens": 20 * row["params"]} for row in twelve()]
    found = decided(written(tmp_path / "runs.csv", rows), "--samples", "none", "--naive", "1e7")
    assert found.n_star == pytest.approx(decided(written(tmp_path / "b.csv", twelve())).n_star)
    assert found.naive.price.flops == pytest.approx(120 * 1e14, rel=1e-6)
    assert found.study.flops == pytest.approx(sum(3 * 120 * n**2 for n in SIZES))
    assert any("one ladder whatever their samples" in line for line in found.run_warnings)


def test_a_run_that_stands_twice_is_named(tmp_path) -> None:
    rows = twelve()
    found = decided(written(tmp_path / "runs.csv", [*rows, rows[3]]))
    assert any("1 row(s) repeat another" in line for line in found.run_warnings)


def test_errors_of_untold_samples_are_taken_as_no_counts() -> None:
    rows = twelve()
    columns = {
        "params": np.array([row["params"] for row in rows], float),
        "error": 1 - np.array([row["accuracy"] for row in rows]),
    }
    plain, many = (
        laws.fit(columns, x="params", y="error", law="auto", tested=tested)
        for tested in (None, UNCOUNTED)
    )
    for share in (0.1, 0.5, 0.9):
        assert many.solve(0.05, share) == pytest.approx(plain.solve(0.05, share), rel=1e-6)


def test_only_its_own_folder_is_written_over(tmp_path, capsys) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    other = tmp_path / "study"
    other.mkdir()
    (other / "summary.txt").write_text("mine")
    assert "did not write" in refused(capsys, path, "--out", str(other))
    assert (other / "summary.txt").read_text() == "mine"
    rows = [row | {"task": task} for row in twelve() for task in "ab"]
    assert main(["decide", str(written(path, rows)), "--target", "loss=1"]) == 2
    assert not (tmp_path / "runs").exists()  # a fault of the table leaves nothing
    assert main(["decide", str(path), "--target", "accuracy=.95", "--group", "task"]) == 0
    decided(path)  # its own it may, and of the groups nothing is left
    left = {each.name for each in (tmp_path / "runs").rglob("*.*")}
    kept = {"decide.json", "study.html", "summary.csv", "summary.txt"}
    assert left == {"runs.csv", "runs.json", *kept}


def test_histories_beside_the_table_are_the_curves_of_the_page(tmp_path, capsys) -> None:
    """As `alphascale import` leaves them: by the name of the run, whatever else the file holds."""
    rows = [{"run": f"r{i}"} | row for i, row in enumerate(twelve())]
    path = written(tmp_path / "runs.csv", rows)
    told = ["run,step,epoch,loss,train_loss", "stranger,1,1,9,9"]
    for i in range(len(rows)):
        told += [f"r{i},{10 * n},{n},{3 / n + i:.3f},{'' if n == 2 else 2 / n}" for n in (1, 2, 3)]
    (tmp_path / "runs.curves.csv").write_text("\n".join(told) + "\n")
    assert main(["decide", str(path), "--target", "accuracy=.95"]) == 0
    (study,) = read_page(tmp_path / "runs" / "study.html")
    (domain,) = study["domains"]
    shown = [seed for seeds in domain["curves"].values() for seed in seeds]
    assert domain["along"] == "epoch" and len(shown) == len(rows)
    firsts = sorted(seed["validation"][0] for seed in shown)
    assert firsts == [3.0 + i for i in range(len(rows))]
    assert {tuple(seed["trainAt"]) for seed in shown} == {(1.0, 3.0)}
    assert {seed["best"] for seed in shown} == {3}


def test_a_naive_model_below_n_star_is_said_and_the_decision_stands(tmp_path, capsys) -> None:
    found = decided(written(tmp_path / "runs.csv", twelve()), "--naive", "1000")
    said = " ".join(capsys.readouterr().out.split())
    assert found.n_star is not None and found.naive.params["total"] == 1000
    assert "the naive model, 1 k parameters, is smaller than N*" in said


@pytest.mark.parametrize("start", [0.05, 3.0, 60.0])
def test_a_start_of_each_run_is_told_from_its_flops(tmp_path, start: float) -> None:
    """Wall times have one: 3 s beside some seconds of training left all prices untold."""
    rng, rows = np.random.default_rng(5), twelve()
    for row in rows:
        seconds = start + 6 * row["params"] * 50_000 / 2e11
        row |= {"samples": 50_000, "seconds": seconds * float(np.exp(0.01 * rng.normal()))}
    path = written(tmp_path / "runs.csv", rows)
    found = decided(path, "--naive", "2e6", "--watts", "300")
    price, truth = found.naive.price, start + 6 * 2e6 * 5e4 / 2e11
    assert price.factor is not None
    assert 1 / price.factor <= price.seconds / truth <= price.factor
    far = decided(path, "--naive", "1e8", "--watts", "300").naive.price
    assert far.factor is None and far.beyond > 100


def test_of_accuracy_and_error_that_of_the_target_rules(tmp_path, capsys) -> None:
    """A column of the other may be of another split: the law is that of what was asked."""
    alone = decided(written(tmp_path / "alone.csv", twelve()), "--tested", "10000")
    rows = [row | {"error": 0.001 / (i + 1)} for i, row in enumerate(twelve())]
    both = decided(written(tmp_path / "both.csv", rows), "--tested", "10000")
    assert both.n_star == alone.n_star


def test_a_refused_decision_leaves_the_one_before(tmp_path, capsys) -> None:
    path = written(tmp_path / "runs.csv", twelve())
    decided(path)
    before = {each: each.read_bytes() for each in (tmp_path / "runs").rglob("*.*")}
    rows = twelve()
    rows[0]["accuracy"] = 1.5
    refused(capsys, written(path, rows))
    assert {each: each.read_bytes() for each in (tmp_path / "runs").rglob("*.*")} == before


def test_the_folder_of_another_table_is_left_alone(tmp_path, capsys) -> None:
    decided(written(tmp_path / "runs.csv", twelve()))
    other = tmp_path / "runs.tsv"
    other.write_text((tmp_path / "runs.csv").read_text().replace(",", "\t"))
    assert "holds the decision on runs.csv" in refused(capsys, other)


def test_samples_below_one_are_refused(tmp_path, capsys) -> None:
    rows = [row | {"samples": 0.3} for row in twelve()]
    assert "a run saw 1 or more" in refused(capsys, written(tmp_path / "runs.csv", rows))
