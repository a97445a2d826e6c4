"""Runs that learnt nothing among others that did: named, left out of the law, never all of them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from alphascale.auditing.chance import DEAD, NONE, WEAK
from alphascale.auditing.gather import gather
from alphascale.deciding.run_warnings import run_warnings
from alphascale.fitting.domain import fit_domain
from alphascale.records.data import write_prepared
from alphascale.records.files import write_sealed
from alphascale.records.observations import Observation, read_frame, write_table
from alphascale.records.runs import lost
from alphascale.records.specs import AggregateSpec, ExpectedRecord, FitSpec
from alphascale.records.training import Scores, SeedRun
from alphascale.records.typed import as_json, digest_of
from records_made import prepared_made, seed_run, training_record

BALANCED, SKEWED = [50] * 10, [976, 24]
SIZES = {f"w{n}": n for n in (100, 200, 400, 800, 1600)}


def ended(seed: int, error: float, loss: float | None = None) -> SeedRun:
    """A run with a test error and loss, one that a model of its error would have by default."""
    test = Scores(1.5 * error if loss is None else loss, 1 - error, error)
    return replace(seed_run(seed, error), test=test)


def dead(seed: int, classes: int = 10) -> SeedRun:
    return ended(seed, 1 - 1 / classes, math.log(classes) + 0.004)


def gathered(
    folder: Path, ladder: dict[str, list[SeedRun]], counts: list[int] | None
) -> tuple[list[Observation], list[str]]:
    """Rows of a ladder's records, test split of these `counts` by class; what was said."""
    expected, paths, said = [], [], []
    for scale, seeds in ladder.items():
        made = training_record(scale, seeds, SIZES[scale])
        paths.append(str(folder / f"{scale}.json"))
        write_sealed(paths[-1], as_json(made))
        expected.append(ExpectedRecord(scale, "1.0", digest_of(made.spec)))
    write_prepared(folder / "meta.json", prepared_made(counts or []))
    wanted = AggregateSpec("code", expected, [])
    rows = gather("d", wanted, paths, str(folder / "meta.json"), said.append)
    write_table(folder / "d.csv", [as_json(row) for row in rows])
    return rows, said


def law(n: int) -> float:
    return 0.05 + 4 * n**-0.5


def test_dead_runs_are_named_and_bend_no_law(tmp_path: Path) -> None:
    healthy = {s: [ended(k, law(n) + 0.002 * k) for k in range(4)] for s, n in SIZES.items()}
    sick = healthy | {"w100": [*healthy["w100"][:1], *(dead(k) for k in (1, 2, 3))]}
    (tmp_path / "h").mkdir()
    gathered(tmp_path / "h", healthy, BALANCED)
    rows, said = gathered(tmp_path, sick, BALANCED)
    assert [row.status for row in rows[:4]] == ["ok", "chance", "chance", "chance"]
    assert [row.level for row in rows[:4]] == ["LOW", None, None, None]
    assert all(row.status == "ok" for row in rows[4:])
    assert rows[1].test_error == pytest.approx(0.9)  # the number is kept, as a fact
    assert f"w100 on 1.0 of the data: {DEAD}: 3 of 4 runs (seed 1, 2, 3) learnt nothing" in said[-1]
    frame = read_frame(tmp_path / "d.csv")
    assert lost(frame) == "3 learnt nothing (at chance)"
    assert any("at chance and left out: w100 (fraction 1.0)" in w for w in run_warnings(frame))
    spec = FitSpec("power_floor", "total", withhold=1)
    fits = [
        fit_domain("d", spec, read_frame(folder / "d.csv")).fractions["1.0"].laws["error"].withheld
        for folder in (tmp_path / "h", tmp_path)
    ]
    assert fits[1].errors.law == pytest.approx(fits[0].errors.law, abs=0.01)


def test_a_weak_run_that_learnt_something_stays(tmp_path: Path) -> None:
    """Leaving out by the error alone would leave the lucky seeds of a weak size."""
    ladder = {s: [ended(0, law(n))] for s, n in SIZES.items()}
    ladder["w100"] = [ended(0, 0.885, 2.1), ended(1, 0.4)]
    rows, said = gathered(tmp_path, ladder, BALANCED)
    assert {row.status for row in rows} == {"ok"}
    assert rows[0].warnings == WEAK and WEAK in said[-1] and "10 %" in said[-1]


def test_where_no_run_learnt_all_stay_and_one_line_says_so(tmp_path: Path) -> None:
    rows, said = gathered(tmp_path, {s: [dead(0), dead(1)] for s in SIZES}, BALANCED)
    assert {row.status for row in rows} == {"ok"} and {row.warnings for row in rows} == {NONE}
    assert len(said) == 1 and "of 10 runs of d, none is better" in said[0]


def test_a_lucky_dead_run_does_not_condemn_the_others(tmp_path: Path) -> None:
    ladder = {s: [dead(0), dead(1)] for s in SIZES}
    ladder["w400"][0] = ended(0, 0.872, 2.304)  # 64 of 500 right, p = 0.03, once in 10 runs
    rows, _ = gathered(tmp_path, ladder, BALANCED)
    assert {row.status for row in rows} == {"ok"}


def test_the_commonest_class_predicted_by_every_model_is_a_warning(tmp_path: Path) -> None:
    rows, said = gathered(tmp_path, {s: [ended(0, 0.024, 0.1)] for s in SIZES}, SKEWED)
    assert {row.warnings for row in rows} == {NONE}
    assert "97.6 % of 1,000 test samples" in said[0]
    frame = read_frame(tmp_path / "d.csv")
    assert "no run beats the commonest class: w100" in " ".join(run_warnings(frame))


def test_language_models_have_no_commonest_class(tmp_path: Path) -> None:
    rows, said = gathered(tmp_path, {s: [ended(0, 0.95, 5.0)] for s in SIZES}, None)
    assert {row.status for row in rows} == {"ok"} and not said
