"""A prior learned from finished ladders: it recovers what they share, and a next one needs less."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from alphascale import laws
from alphascale.errors import UserError
from alphascale.fitting.learning import learn, read_prior, save
from alphascale.laws.priors import SHIPPED, Beliefs
from alphascale.laws.selection import auto

SIZES = np.geomspace(1e3, 6.4e4, 7)


def team_ladder(draw: int, sizes: np.ndarray = SIZES):
    """One of a team's ladders: error E + A·N^−α, α around .6, of three seeds."""
    rng = np.random.default_rng(draw)
    alpha, floor = 0.6 * np.exp(rng.normal(0, 0.08)), 0.02 * np.exp(rng.normal(0, 0.3))
    n = np.repeat(sizes, 3)
    y = (floor + 12 * n**-alpha) * np.exp(rng.normal(0, 0.04, len(n)))
    return n[None], y, None, lambda at: floor + 12 * at**-alpha


NINE = learn([team_ladder(draw)[:3] for draw in range(9)])


def test_the_exponent_that_the_ladders_share_is_learned_and_narrower_than_before() -> None:
    for learned, shipped in zip(NINE.one[:2], SHIPPED.one[:2], strict=True):
        assert learned.mean[1] == pytest.approx(np.log(0.6), abs=0.3)
        assert learned.sd[1] < 0.75 * shipped.sd[1]
    flat = [each.name for each in SHIPPED.one].index("flat")
    assert NINE.one[flat].weight < 0.5 * SHIPPED.one[flat].weight
    assert NINE.two == SHIPPED.two  # no ladder of two predictors was given


def misses(rungs: slice, beliefs: Beliefs, beyond: np.ndarray) -> tuple[float, float, float]:
    """Of sixteen more ladders: RMS of the log error at `beyond`, share of the true values inside
    95 %, mean log width of the interval."""
    rows = []
    for draw in range(100, 116):
        x, y, _, real = team_ladder(draw)
        kept = np.isin(x[0], SIZES[rungs])
        law = auto(x[:, kept], y[kept], beliefs=beliefs)
        lower, upper = law.predict(beyond)[1:]
        held = (lower < real(beyond)) & (real(beyond) < upper)
        rows.append((np.log(law.curve(beyond) / real(beyond)) ** 2, held, np.log(upper / lower)))
    square, held, width = np.mean(rows, axis=(0, 2))
    return float(np.sqrt(square)), float(held), float(width)


def test_the_tenth_ladder_needs_half_of_the_rungs() -> None:
    """Every second size with the nine behind it says as much as all sizes with none."""
    far = SIZES[-1] * np.array([2.0, 4.0, 8.0])
    half, held, width = misses(slice(None, None, 2), NINE, far)
    whole, _, wide = misses(slice(None), SHIPPED, far)
    assert half < 1.1 * whole and held > 0.9 and width < 1.1 * wide


def test_the_lower_half_of_a_ladder_predicts_better_with_the_nine_behind_it() -> None:
    near = SIZES[3] * np.array([2.0, 4.0, 8.0])
    learned, held, width = misses(slice(0, 4), NINE, near)
    shipped, _, wide = misses(slice(0, 4), SHIPPED, near)
    assert learned < 0.9 * shipped and held > 0.9 and width < 0.9 * wide


def test_one_unlike_ladder_does_not_drown_in_the_nine() -> None:
    """A team whose next task is different pays with a wider interval, not with a wrong one."""
    n = np.repeat(SIZES, 3)
    y = (0.01 + 1.5 * n**-0.25) * np.exp(np.random.default_rng(5).normal(0, 0.02, len(n)))
    fit = auto(n[None], y, beliefs=NINE)
    at = np.array([2e5, 6e5])
    prediction = fit.predict(at)
    real = 0.01 + 1.5 * at**-0.25
    assert (prediction.lower < real).all() and (real < prediction.upper).all()


def test_ladders_of_two_predictors_teach_the_joint_forms() -> None:
    ladders = []
    for draw in range(4):
        rng = np.random.default_rng(draw)
        n, d = (each.ravel() for each in np.meshgrid(SIZES, [1e3, 2e3, 4e3, 8e3]))
        y = (0.02 + 3 * n**-0.5 + 5 * d**-0.5) * np.exp(rng.normal(0, 0.02, len(n)))
        ladders.append((np.stack([n, d]), y, None))
    found = learn(ladders)
    assert found.one == SHIPPED.one
    assert found.two[0].sd[1] < SHIPPED.two[0].sd[1] and found.two[0].sd[2] < SHIPPED.two[0].sd[2]


def test_a_prior_is_saved_and_read_as_it_was(tmp_path: Path) -> None:
    save(NINE, tmp_path / "prior.json", ["nine ladders"])
    again = read_prior(tmp_path / "prior.json")
    x, y, *_ = team_ladder(50)
    columns = {"n": x[0], "error": y}
    one = laws.fit(columns, x="n", y="error", prior=again)
    two = auto(x, y, columns=("n",), name="error", ceiling=1.0, beliefs=NINE)
    np.testing.assert_array_equal(one.P, two.P)
    assert json.loads((tmp_path / "prior.json").read_text())["learned_from"] == ["nine ladders"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data.update(format="else"), ["format"]),
        (lambda data: data["one"].pop(), ["forms"]),
        (lambda data: data["one"][0]["coordinates"].update(beta=[0, 1]), ["beta", "free"]),
        (lambda data: data["one"][0]["coordinates"].update(alpha=[0, -1]), ["alpha", "sd > 0"]),
        (lambda data: data["one"][0].update(weight=0), ["weight", "positive"]),
        (lambda data: data["one"][0].pop("weight"), ["weight"]),
        (lambda data: data["stretch_weights"].pop(), ["stretch_weights", "positive numbers"]),
    ],
)
def test_a_spoiled_prior_is_refused_in_one_line(tmp_path: Path, spoil, words: list[str]) -> None:
    save(NINE, tmp_path / "prior.json", [])
    data = json.loads((tmp_path / "prior.json").read_text())
    spoil(data)
    (tmp_path / "prior.json").write_text(json.dumps(data))
    with pytest.raises(UserError) as fault:
        read_prior(tmp_path / "prior.json")
    message = str(fault.value)
    assert "\n" not in message and "prior.json" in message and "alphascale prior" in message
    assert all(word in message for word in words)


def test_a_named_law_has_no_prior() -> None:
    x, y, *_ = team_ladder(1)
    with pytest.raises(UserError, match="law power has no prior"):
        laws.fit({"n": x[0], "e": y}, x="n", y="e", law="power", prior=NINE)
