"""Plans: what they pick, what they cost, what they promise, and how a study adopts them."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import yaml
from alphascale import laws
from alphascale.config import read_study
from alphascale.errors import UserError
from alphascale.families.sizes import check_size
from alphascale.fitting.joint import fit_joint
from alphascale.networks.count import count_flops, count_params
from alphascale.planning import text as plan_text
from alphascale.planning.adopt import adopt
from alphascale.planning.design import (
    Outlook,
    Scatter,
    choose,
    curve_draws,
    forecast,
    measured_scatter,
)
from alphascale.planning.plan import plan
from alphascale.records.data import Meta
from alphascale.records.files import write_sealed
from alphascale.records.fit import FitRecord, FractionFit
from alphascale.records.plan import PlanRecord
from alphascale.records.specs import FitSpec, PlanSpec
from alphascale.records.typed import as_json, parse, read
from observations_made import observed
from running import edited, job_of, own_study_of, snakemake, stale

META = Meta(kind="tabular", classes=3, shape=(8,), vocabulary=None, pad=None, mean=None, std=None)
LADDER = {f"w{w}": {"width": w, "dropout": 0.0} for w in (4, 6, 9, 13, 20, 30)}
SAMPLES, EPOCHS, RATES = 1000, 3, 2


def observations(
    fractions=("1.0",), seeds=(0, 1, 2), noise=0.03, seed=0, ladder=LADDER
) -> pandas.DataFrame:
    """Runs of an MLP ladder whose error and loss follow .02 + 3·N^−½ + 2·D^−½, with noise."""
    sizes = {scale: count_params("mlp", size, META)["total"] for scale, size in ladder.items()}
    flops = {scale: count_flops("mlp", size, META)["training"] for scale, size in ladder.items()}
    made = observed(
        sizes, lambda n, d: 0.02 + 3 * n**-0.5 + 2 * d**-0.5, noise=noise, pool=SAMPLES,
        epochs=EPOCHS, fractions=fractions, seeds=seeds, rates=RATES, draw=seed,
    )  # fmt: skip
    made["step_flops"] = made["scale"].map(flops)
    made["job_flops"] = made["step_flops"] * made["samples_seen"] * made["job_members"] * 1.0
    return made.assign(test_loss=30 * made["test_error"])


def planned(frame: pandas.DataFrame | None = None, error: float = 0.13, **changes) -> dict:
    frame = observations() if frame is None else frame
    spec = {
        "law": "power_floor", "params": "total", "resamples": 200, "level": 0.95, "seed": 0,
        "metric": "error", "domain": "d", "target": {"metric": "error", "value": error},
        "family": "mlp", "ladder": LADDER, "epochs": EPOCHS, "rates": RATES, "seeds": [0, 1, 2],
        "withhold": 1, "flops": None, "goal": "n_star", "reach": 2.0, "futures": 5,
        "seeds_at_most": 8,
        "adopted": {},
    } | changes  # fmt: skip
    joint = fit_joint(FitSpec("power_floor", "total", withhold=1), spec["metric"], frame)
    fractions = {
        row.fraction: FractionFit(int(row.samples), 0, [], {})
        for row in frame.drop_duplicates("fraction").itertuples()
    }
    fits = FitRecord("d", "power_floor", "total", fractions, {spec["metric"]: joint})
    found = plan(parse(PlanSpec, spec, "spec"), frame, fits, META)
    assert parse(PlanRecord, json.loads(json.dumps(as_json(found), allow_nan=False)), "") == found
    return as_json(found)


def page_of(found: dict) -> str:
    return plan_text.text(
        [parse(PlanRecord, found, "plan")],
        Path("plan.yaml"),
        "snakemake --cores all --config plan=apply",
    )


def test_picks_are_near_the_best_of_all_designs() -> None:
    """Against the Gaussian formula, by trying every design of a small problem."""
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 5)) * 0.1
    costs, noise, budget = np.array([1.0, 2.0, 3.0, 5.0]), Scatter(0.002, 0.01), 11.0
    S = np.cov(mixed, rowvar=False)

    def ratio(counts: np.ndarray) -> float:
        i = np.flatnonzero(counts)
        V = S[1:, 1:][np.ix_(i, i)] + np.diag(noise.offset + noise.run / counts[i])
        told = S[0, 1:][i] @ np.linalg.solve(V, S[0, 1:][i]) if len(i) else 0.0
        return math.sqrt(1 - told / S[0, 0])

    every = (np.array(c) for c in itertools.product(range(5), repeat=4))
    best = min(ratio(counts) for counts in every if counts @ costs <= budget)
    found = choose(mixed[:, :1], mixed[:, 1:], costs, noise, budget, 4)
    assert found.flops == found.counts @ costs <= budget and found.counts.max() <= 4
    assert found.ratio == pytest.approx(ratio(found.counts), rel=0.03)  # ranks, not moments
    assert best * 0.999 <= ratio(found.counts) <= best * 1.05


def pilot(seed: int, counts=None, extra=None) -> dict:
    """Error .01 + 4·N^−.6 at five sizes, three runs each; and `counts` runs at `extra` sizes."""
    rng = np.random.default_rng(seed)
    n = np.repeat(1000.0 * 2.0 ** np.arange(5), 3)
    if counts is not None:
        n = np.concatenate([n, np.repeat(extra, counts)])
    y = (0.01 + 4 * n**-0.6) * np.exp(0.03 * rng.standard_normal(len(n)))
    return {"params": n, "error": y, "scale": n.astype(str)}


def fitted(data: dict, resamples: int = 200) -> laws.Fit:
    return laws.fit(
        data, x="params", y="error", law="power_floor", cluster="scale", resamples=resamples,
        withhold=False,
    )  # fmt: skip


def designed(data: dict, sizes: np.ndarray, budget: float):
    fit = fitted(data)
    draws = curve_draws(fit, {"params": np.concatenate([[2.5 * max(data["params"])], sizes])})
    noise = measured_scatter(fit, data["error"], data["scale"])
    return fit, noise, choose(draws[:, :1], draws[:, 1:], sizes, noise, budget, 20)


SIZES = np.geomspace(1000, 100_000, 20)


def test_more_budget_never_widens_and_budgets_are_kept() -> None:
    ratios = []
    for budget in 1e4 * 2.0 ** np.arange(9):
        _, _, found = designed(pilot(0), SIZES, budget)
        assert found.flops == found.counts @ SIZES <= budget
        ratios.append(found.ratio)
    assert ratios == sorted(ratios, reverse=True) and ratios[-1] < 0.4 * ratios[0]


def test_units_of_size_error_and_flops_change_no_design() -> None:
    data = pilot(0)
    _, _, found = designed(data, SIZES, 2e5)
    other = data | {"params": data["params"] / 1e3, "error": data["error"] * 100}
    _, _, same = designed(other, SIZES / 1e3, 2e5 / 1e3)
    assert same.counts.tolist() == found.counts.tolist()
    # Refits of a bootstrap end within 1e-6 of their objective, not of their parameters.
    assert same.ratio == pytest.approx(found.ratio, rel=2e-3)


def test_the_expected_width_is_what_later_runs_give() -> None:
    """Known truth: the median width foretold, against that after the runs were really made."""
    target = 0.01 + 4 * 40_000**-0.6

    def measure(fit: laws.Fit) -> Outlook:
        return Outlook(fit.solve(target), *fit.solve_interval(target), 0.0)

    foretold, real, inside = [], [], []
    for seed in range(6):
        data = pilot(seed)
        fit, noise, found = designed(data, SIZES, 3e5)
        used = np.flatnonzero(found.counts)
        futures = forecast(
            fit, data, "scale", {"params": SIZES[used]}, found.counts[used], noise, fitted, measure,
            6, seed,
        )  # fmt: skip
        foretold.append(np.median([each.width for each in futures]))
        new = pilot(100 + seed, found.counts, SIZES)
        both = {key: np.concatenate([data[key], new[key][15:]]) for key in data}
        after = measure(fitted(both))
        real.append(after.width)
        inside.append(after.lower <= 40_000 <= after.upper)
        assert after.width < 0.5 * measure(fit).width
    assert 1 / 1.5 < np.median(foretold) / np.median(real) < 1.5
    assert sum(inside) >= 5


def test_a_plan_is_built_counted_and_never_trains_a_seed_twice() -> None:
    frame = observations()
    found = planned(frame)
    assert found["narrows"] == "n_star" and found["empty"] is None and found["runs"]
    spent = 0.0
    for run in found["runs"]:
        check_size("mlp", run["size"])
        assert count_params("mlp", run["size"], META)["total"] == run["params"]
        each = count_flops("mlp", run["size"], META)["training"] * SAMPLES * EPOCHS * RATES
        assert run["flops"] == each * len(run["seeds"]) and len(set(run["seeds"])) <= 8
        spent += run["flops"]
        before = frame[frame["params"] == run["params"]]["seed"]
        # 3, 4, 5 are what `snakemake verify` trains with.
        assert not set(run["seeds"]) & {*before, 3, 4, 5}
        # A second scale of the withheld size would let the law see it.
        assert run["params"] != frame["params"].max()
    assert found["flops"] == spent <= found["budget_flops"] == found["spent_flops"]
    assert found["spent_flops"] == frame.drop_duplicates("scale")["job_flops"].sum()
    assert found["after"]["width"] < 0.9 * found["before"]["width"]
    page = page_of(found)
    assert "95 % interval of N*" in page and "of 5 futures" in page


def test_sizes_trained_before_are_repeated_with_new_seeds_under_new_names() -> None:
    """No size lies between widths 6 to 12, and none beyond may be trained."""
    ladder = {f"w{w}": {"width": w, "dropout": 0.0} for w in range(6, 13)}
    eight = count_params("mlp", ladder["w8"], META)["total"]
    adopted = {f"p{eight}": ladder["w8"]}
    found = planned(
        observations(ladder=ladder), error=0.02 + 3 * eight**-0.5 + 2 * SAMPLES**-0.5, reach=1.0,
        ladder=ladder | adopted,
    )  # fmt: skip
    assert found["runs"]
    for run in found["runs"]:
        assert run["size"] in ladder.values() and run["size"]["width"] < 12
        assert min(run["seeds"]) == 6  # 0 to 2 were trained, 3 to 5 are verification's
        assert run["scale"] == f"p{run['params']}" + "-2" * (run["params"] == eight)
    assert eight in {run["params"] for run in found["runs"]}


def test_a_plan_for_loss_reaches_for_the_targets_loss() -> None:
    loss = {"metric": "loss", "value": 30 * 0.13, "perplexity": math.exp(30 * 0.13)}
    found = planned(metric="loss", target=loss)
    same = planned()
    assert found["before"]["point"] == pytest.approx(same["before"]["point"], rel=1e-6)
    assert found["runs"] == same["runs"]


def test_a_target_out_of_reach_is_said_with_what_is_narrowed_instead() -> None:
    found = planned(error=0.05)  # below the floor .02 + 2·1000^−½ = .083
    assert found["narrows"] == "best_reachable" and found["runs"]
    low, high = found["before"]["interval"]
    assert low < 0.083 < high and found["before"]["out_of_reach"] > 0.5
    page = " ".join(page_of(found).split())
    assert "the fitted law never reaches the target, so there is no N* to narrow" in page


def test_the_cheapest_pair_is_planned_for_at_every_fraction() -> None:
    frame = observations(fractions=("0.25", "0.5", "1.0"), seeds=(0, 1))
    found = planned(frame, error=0.15, goal="cheapest", resamples=100, futures=3)
    assert found["narrows"] == "cheapest_flops" and found["law"] != "power_floor"
    assert {run["fraction"] for run in found["runs"]} <= {"0.25", "0.5", "1.0"}
    assert any(run["fraction"] != "1.0" for run in found["runs"])
    assert found["after"]["width"] < found["before"]["width"] and found["runs"]
    assert "the cheapest (N, D)" in page_of(found)


def test_runs_that_are_foretold_to_narrow_nothing_are_not_sold() -> None:
    found = planned()
    assert found["after"]["width"] < found["before"]["width"]
    assert "NOT NARROWER" not in page_of(found)
    found["after"]["width"] = found["before"]["width"] * 1.01
    assert "these runs are not worth their cost" in " ".join(page_of(found).split())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flops": 1.0}, ["planning.flops: 1 FLOP buys no run", "width", "raise the budget"]),
        ({"goal": "cheapest"}, ["no joint law", "planning.goal: cheapest", "one fraction"]),
        ({"law": "broken_3"}, ["broken", "distinct values"]),
    ],
)
def test_an_empty_plan_is_one_line(tmp_path: Path, root: Path, changes: dict, words: list) -> None:
    found = planned(**changes)
    assert found["runs"] == [] and "\n" not in found["empty"]
    for word in words:
        assert word in found["empty"]
    path = tmp_path / "d.json"
    write_sealed(path, found)
    program = root / "workflow" / "scripts" / "plan.py"
    job = job_of(None, {"plans": [path]}, {"text": tmp_path / "plan.txt"})
    done = subprocess.run([sys.executable, str(program), job], capture_output=True, text=True)
    assert done.returncode == 2 and not (tmp_path / "plan.yaml").exists()
    assert done.stderr.startswith("error: the plan is empty: d: ") and done.stderr.count("\n") == 1


STUDY = {
    "run": "s",
    "domains": {
        "d": {
            "data": {"source": "letter"}, "family": "mlp", "ladder": LADDER,
            "target": {"accuracy": 0.9},
        }
    },
}  # fmt: skip


def study(**changes) -> dict:
    return json.loads(json.dumps(STUDY | changes))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (study(planning={"flops": -1.0}), "planning.flops: input should be greater than 0"),
        (study(planning={"flops": 0}), "planning.flops: input should be greater than 0"),
        (study(planning={"goal": "width"}), "planning.goal: input should be 'n_star' or"),
        (study(planning={"reach": 0.5}), "planning.reach: input should be greater than or equal"),
        (study(planning={"budget": 1.0}), "planning.budget: unknown key"),
        (study(plan="aply"), "plan: input should be 'apply', not 'aply'"),
    ],
)  # fmt: skip
def test_bad_requests_name_the_key(config: dict, words: str) -> None:
    with pytest.raises(UserError, match="configuration: ") as fault:
        read_study(config)
    assert words in str(fault.value) and "\n" not in str(fault.value)


def test_runs_must_name_a_scale() -> None:
    config = study()
    config["domains"]["d"]["runs"] = {"w5": {"seeds": [1]}}
    with pytest.raises(UserError, match="`runs` names 'w5', which is not in the ladder"):
        read_study(config)


GOOD = {"domains": {"d": {"ladder": {"p1": {"width": 50}}, "runs": {"p1": {"seeds": [7]}}}}}


@pytest.mark.parametrize(
    ("plan_yaml", "words"),
    [
        (None, "there is no plan at results/s/plan.yaml"),
        ("domains: [", "is not a plan"),
        ("3", "is not a plan"),
        (yaml.safe_dump(GOOD).replace("d:", "e:"), "plans for domain e, not in this study"),
        (yaml.safe_dump(GOOD).replace("p1", "w4"), "plans d w4 as {'width': 50}"),
    ],
)
def test_a_plan_that_cannot_be_adopted_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan_yaml: str | None, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if plan_yaml is not None:
        path = tmp_path / "results" / "s" / "plan.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(plan_yaml)
    with pytest.raises(UserError) as fault:
        adopt(study(plan="apply"))
    assert words in str(fault.value) and "\n" not in str(fault.value)
    assert "plan` " in str(fault.value)  # what to do
    assert adopt(study()) == {}


@pytest.fixture(scope="module")
def with_plan(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned") / "project"
    shutil.copytree(finished, folder)
    done = snakemake(folder, "plan")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "next runs" in done.stdout
    return folder


def test_apply_trains_the_planned_runs_and_only_these(with_plan: Path) -> None:
    fragment = yaml.safe_load((with_plan / "results/own/plan.yaml").read_text())["domains"]
    new = {
        f"train {domain} {scale} on 1.0 of the data"
        for domain, part in fragment.items()
        for scale in part["ladder"]
    }
    assert new and stale(with_plan) == set()
    found = stale(with_plan, "--config", "plan=apply")
    assert {job for job in found if job.startswith("train ")} == new
    assert not {job for job in found if job.startswith(("prepare", "check"))}
    again = {job.removeprefix("fit the law of ") for job in found if job.startswith("fit ")}
    assert again == set(fragment)
    # The fragment beside the study is the same as adopting it, and so is pasting it.
    files = ("config/config.yaml", "results/own/plan.yaml")
    assert stale(with_plan, "--configfile", *files) == found

    def paste(study: dict) -> None:
        for domain, part in fragment.items():
            study["domains"][domain]["ladder"] |= part["ladder"]
            study["domains"][domain]["runs"] = part["runs"]

    with edited(with_plan, paste):
        assert stale(with_plan, "--config", "plan=apply") == found


def test_a_plan_made_on_an_adopted_one_holds_both(with_plan: Path) -> None:
    from alphascale.slices import plan_slice, verify_spec

    config = own_study_of(with_plan) | {"plan": "apply"}
    fragment = yaml.safe_load((with_plan / "results/own/plan.yaml").read_text())["domains"]
    domain = next(iter(fragment))
    before = verify_spec(read_study(own_study_of(with_plan)), domain)
    config["domains"][domain]["ladder"] |= fragment[domain]["ladder"]
    config["domains"][domain]["runs"] = fragment[domain]["runs"]
    adopted = read_study(config)
    scales = list(fragment[domain]["ladder"])
    spec = plan_slice(adopted, domain, scales)
    base = read(with_plan / f"results/own/plan/{domain}.json", PlanRecord)
    more = replace(base, adopted=spec.adopted, runs=[replace(base.runs[0], scale="next")])
    both = yaml.safe_load(plan_text.fragment([more], Path("plan.yaml")))["domains"][domain]
    assert list(both["ladder"]) == [*scales, "next"]
    assert {k: v for k, v in both["runs"].items() if k != "next"} == fragment[domain]["runs"]
    # What was verified before stays verified: its seeds are not the plan's.
    assert verify_spec(adopted, domain) == before
