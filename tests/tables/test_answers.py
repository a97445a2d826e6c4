"""Whatever ladder is fitted and whatever is asked of it: an answer is what it can be, commands
agree on it, or it is refused in one line."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from alphascale.cli import main
from ladders_random import ladder

# The thousands can be more: ALPHASCALE_CASES=3 makes them 9,000.
CASES, MANY, CHUNKS = 270, 3000 * int(os.environ.get("ALPHASCALE_CASES", "1")), 6
NUMBER = r"[-+\d.e]+"


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(each) for each in arguments])
        except SystemExit as ended:
            status = ended.code
    return status, out.getvalue(), err.getvalue()


def refused(status: int, out: str, err: str) -> bool:
    """Whether a command refused, which it does in one line that a person can read."""
    if status == 0:
        return False
    assert status == 2 and err.count("\n") == 1 and err.startswith(("alphascale ", "error: ")), err
    assert "Traceback" not in err and "np." not in err
    return True


def judge(seed: int, folder) -> None:
    """One random ladder through fit, optimum, predict and calc."""
    rng = np.random.default_rng(seed)
    case = ladder(rng)
    table, saved = case.write(folder / "runs.csv"), folder / "fit.json"
    saved.unlink(missing_ok=True)
    more = ["--tested", "400"] if "error" in case.metric and rng.random() < 0.5 else []
    told = run(
        "fit", table, "--x", "params", "--y", case.metric, "--law", case.law, "--out", saved,
        "--resamples", "40", *more,
    )  # fmt: skip
    if refused(*told):
        assert not saved.exists()
        return
    assert not re.search(r"\bnan\b|np\.|-inf", told[1]), told[1]
    smallest, largest = case.params.min(), case.params.max()
    high = 1.0 if case.share else np.inf
    low = 1.0 if case.metric == "perplexity" else 0.0
    least = 1 / 400 if more else low  # less than one error of all is no target
    x = answer_of_optimum(case, saved, smallest, least, high)
    points = folder / "points.csv"
    places = [smallest, largest, 5 * largest, 1e30, 1.0, *([x] if x else [])]
    points.write_text("params\n" + "".join(f"{float(place)!r}\n" for place in places))
    status, out, err = run("predict", saved, points)
    assert status == 0 and "more than 10 × outside" in err
    rows = [
        [float(each) if each else np.nan for each in row]
        for row in list(csv.reader(io.StringIO(out)))[1:]
    ]
    for _, mean, lower, upper in rows:
        assert low <= mean <= high
        assert np.isnan(lower) or low <= lower <= mean <= upper <= high
    if x and case.law not in ("isoflop", "broken"):
        assert rows[-1][1] == pytest.approx(case.target, rel=2e-3)
    agrees_with_calc(case, saved, x, rows[0][1])


def answer_of_optimum(case, saved, smallest: float, low: float, high: float) -> float | None:
    """The x that `optimum` names beyond the smallest; None where it names none."""
    told = run("optimum", saved, f"--target={case.target!r}")
    if refused(*told):
        assert not low < case.target < high or not np.isfinite(case.target), told[2]
        return None
    out = told[1]
    assert low < case.target < high
    shares = re.findall(rf"out of reach in (?:[<>] )?({NUMBER}) %", out)
    assert all(0 <= float(share) <= 100 for share in shares)
    if "is met by the smallest" in out:
        return None
    found = re.match(
        rf".* at params = (out of reach|{NUMBER}) with even chance"
        rf"(?:   \(.* %: ({NUMBER}|out of reach)"
        rf"(?:, the smallest fitted, or less)? … ({NUMBER}|out of reach)\))?",
        out,
    )
    x, *ends = (np.inf if e == "out of reach" else e and float(e) for e in found.groups())
    assert x > smallest * (1 - 1e-5)
    if ends[0] is not None:
        assert smallest * (1 - 1e-3) <= ends[0] <= x * (1 + 1e-3) and x <= ends[1] * (1 + 1e-3)
    return x if np.isfinite(x) else None


def agrees_with_calc(case, saved, x: float | None, first: float) -> None:
    """`calc` says the same of the same fit."""
    told = run("calc", "loss", "--law", saved, "--params", repr(float(case.params.min())), "--json")
    if not refused(*told):
        assert json.loads(told[1])[case.metric] == pytest.approx(first, rel=1e-6)
    told = run("calc", "solve", "--law", saved, "--for", "params", "--loss", case.target, "--json")
    if not refused(*told) and case.law != "broken":
        assert x is not None
        assert json.loads(told[1])["params"] == pytest.approx(x, rel=1e-4)


def test_every_answer_is_possible_or_refused(tmp_path) -> None:
    for seed in range(CASES):
        judge(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_answer_is_possible_or_refused_thousands(tmp_path, chunk) -> None:
    for seed in range(1000 + chunk * MANY // CHUNKS, 1000 + (chunk + 1) * MANY // CHUNKS):
        judge(seed, tmp_path)
