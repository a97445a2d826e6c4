"""The audit: a sound study passes, each fault fails its own check and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from alphascale.auditing import audit
from alphascale.fitting.domain import fit_domain
from alphascale.records.audit import AuditRecord
from alphascale.records.fit import FitRecord
from alphascale.records.specs import AuditSpec, FitSpec
from alphascale.records.typed import Refused, as_json, parse
from observations_made import observed
from records_made import STAR, decision_made

SIZES = (500, 1_000, 2_000, 4_000, 8_000, 16_000)
FRACTIONS = ("0.25", "0.5", "1.0")
FIT = FitSpec("power_floor", "total", withhold=1)
SPEC = AuditSpec(rates=3, epochs=5, withhold=1, apart=[])


def observations(sizes=SIZES, seeds: int = 3, noise: float = 0.002) -> pd.DataFrame:
    """Runs of E + A·N^−α + B·D^−β with a floor that is well measured."""
    return observed(
        {f"n{n}": n for n in sizes}, lambda n, d: 0.05 + 6.0 * n**-0.6 + 8.0 * d**-0.7,
        noise=noise, pool=8_000, epochs=5, fractions=FRACTIONS, seeds=range(seeds), draw=3,
    )  # fmt: skip


def answers(frame: pd.DataFrame, n_star: float | None = 12_000.0, **spec) -> dict[str, str]:
    return {c.check: c.status for c in audited(frame, n_star, **spec).checks}


def audited(frame: pd.DataFrame, n_star: float | None = 12_000.0, **spec) -> AuditRecord:
    fits = fit_domain("d", FIT, frame)
    withheld = fits.fractions["1.0"].laws["error"].withheld
    decision = decision_made(replace(STAR, n_star=n_star, confident=n_star), withheld=withheld)
    found = audit.audit(replace(SPEC, **spec), frame, fits, decision)
    assert parse(AuditRecord, as_json(found), "audit") == found
    return found


def test_a_sound_study_passes_all_ten() -> None:
    found = audited(observations())
    assert found.tally == {"passed": 10, "warned": 0, "failed": 0}, found.checks
    assert len(audit.table_rows([found])) == 10


def spoil(name: str) -> tuple[dict, dict[str, str]]:
    """Arguments of `answers` with one fault, and the checks that must no longer pass."""
    frame = observations()
    if name == "few sizes":
        return {"frame": observations(SIZES[:4])}, {"levels": "warned", "range": "warned"}
    if name == "narrow":
        sizes = (500, 600, 700, 800, 900, 1_000)
        return {"frame": observations(sizes, noise=1e-5)}, {"range": "failed"}
    if name == "one seed":
        return {"frame": observations(seeds=1)}, {"seeds": "failed"}
    if name == "edge":
        frame.loc[frame["fraction"] == "0.25", "warnings"] = "learning_rate_edge"
        return {"frame": frame}, {"learning-rate edges": "warned"}
    if name == "edges":
        frame["warnings"] = "learning_rate_edge micro_batch"
        return {"frame": frame}, {"learning-rate edges": "failed"}
    if name == "unswept":
        return {"frame": frame, "rates": 1}, {"learning-rate edges": "warned"}
    if name == "far":
        return {"frame": frame, "n_star": 2e5}, {"extrapolation": "failed"}
    if name == "beyond":
        return {"frame": frame, "n_star": 5e4}, {"extrapolation": "warned"}
    if name == "out of reach":
        return {"frame": frame, "n_star": None}, {"extrapolation": "failed"}
    if name == "embeddings":
        frame["non_embedding"] = (0.05 * frame["params"]).astype(int)
        return {"frame": frame}, {"counting rule": "failed"}
    if name == "some embeddings":
        frame["non_embedding"] = (0.7 * frame["params"]).astype(int)
        return {"frame": frame}, {"counting rule": "warned"}
    if name == "many diverged":
        frame.loc[frame["scale"] == "n500", ["status", "test_error", "test_loss"]] = [
            "diverged", np.nan, np.nan,
        ]  # fmt: skip
        return {"frame": frame}, {"divergences": "failed", "seeds": "failed"}
    if name == "one diverged":
        frame.loc[0, ["status", "test_error", "test_loss"]] = ["diverged", np.nan, np.nan]
        return {"frame": frame}, {"divergences": "warned", "seeds": "warned"}
    frame.loc[frame["params"] == SIZES[-1], "test_error"] *= 1.5  # the largest breaks the law
    return {"frame": frame}, {"withheld error": "failed"}


FAULTS = ["few sizes", "narrow", "one seed", "edge", "edges", "unswept", "far", "beyond",
          "out of reach", "embeddings", "some embeddings", "one diverged", "many diverged",
          "broken"]  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_where_it_is(name: str) -> None:
    arguments, expected = spoil(name)
    found = answers(**arguments)
    assert {check: found[check] for check in expected} == expected
    # A broken or narrow ladder also bends the fit; the others leave every other check alone.
    if name not in ("broken", "narrow", "few sizes", "one seed", "many diverged"):
        others = {c: s for c, s in found.items() if c not in expected}
        assert set(others.values()) == {"passed"}, others


@pytest.mark.parametrize(
    ("hit", "status"),
    [(["E"], "warned"), (["alpha"], "failed"), (["E", "alpha"], "failed"), ([], "passed")],
)
def test_a_floor_on_its_bound_is_weaker_ground_and_an_exponent_there_is_no_fit(hit, status) -> None:
    frame = observations()
    fits = fit_domain("d", FIT, frame)
    here = fits.fractions["1.0"]
    here = replace(here, laws={"error": replace(here.laws["error"], bounds_hit=hit)})
    case = audit.Case(SPEC, frame, replace(fits, fractions={"1.0": here}), decision_made())
    found, figure = audit.bounds(case)
    assert found == status and all(name in figure for name in hit)
    nothing = replace(here, laws={"error": Refused("three sizes")})
    case = replace(case, fits=replace(fits, fractions={"1.0": nothing}))
    assert audit.bounds(case) == ("failed", "no law: three sizes")


def test_embeddings_that_are_not_counted_are_no_objection() -> None:
    frame = observations()
    frame["non_embedding"] = (0.05 * frame["params"]).astype(int)
    fits = FitRecord("d", "power_floor", "total", {}, {"error": Refused("too few")})
    case = audit.Case(SPEC, frame, fits, decision_made(counted="non_embedding"))
    assert audit.counting(case)[0] == "passed"


@pytest.mark.parametrize("condition", [1.0, 1e9, None])
def test_a_joint_law_of_bad_condition_is_no_better_than_its_data(condition) -> None:
    """N and D in step: failed whatever the condition, and never made milder by it."""
    frame = observations()
    fits = fit_domain("d", FIT, frame)
    joint = {"error": replace(fits.joint["error"], condition=condition)}
    loose = audit.Case(SPEC, frame, replace(fits, joint=joint), decision_made())
    assert audit.collinearity(loose)[0] == ("passed" if condition == 1.0 else "warned")
    at = dict(zip(SIZES[::2], FRACTIONS, strict=True))
    kept = frame[frame["fraction"] == frame["params"].map(at)]
    assert audit.collinearity(replace(loose, frame=kept))[0] == "failed"


def test_data_that_grow_with_the_model_are_collinear() -> None:
    frame = observations()
    at = dict(zip(SIZES, ("0.25", "0.25", "0.5", "0.5", "1.0", "1.0"), strict=True))
    kept = frame[frame["fraction"] == frame["params"].map(at)]
    fits = FitRecord("d", "power_floor", "total", {}, {"error": Refused("too few")})
    status, figure = audit.collinearity(audit.Case(SPEC, kept, fits, decision_made()))
    assert status == "warned" and "0.9" in figure


def test_every_cell_has_its_level_and_best_epochs() -> None:
    frame = observations()
    frame.loc[frame["scale"] == "n500", "level"] = ["LOW", "HIGH", "MEDIUM"] * 3
    frame.loc[frame["scale"] == "n1000", ["level", "best_epoch"]] = [None, np.nan]
    rows = audit.scale_rows([audited(frame)])
    assert [row["level"] for row in rows[:6]] == ["HIGH"] * 3 + [None] * 3
    assert rows[0]["best_epochs"] == "4 4 4" and rows[3]["best_epochs"] == ""


def test_a_planned_run_of_one_seed_does_not_hide_the_ladders_seeds() -> None:
    frame = observations()
    one = frame[(frame["scale"] == frame["scale"].iloc[0]) & (frame["seed"] == 0)]
    more = pd.concat([frame, one.assign(scale="p600", seed=6)])
    assert answers(more, apart=["p600"])["seeds"] == "passed"
    assert answers(more)["seeds"] == "failed"
