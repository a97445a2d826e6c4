"""The law in compute is that of the front: a known law comes back from a grid of runs around it."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.cli import main
from alphascale.errors import UserError
from alphascale.grids.front import front


def grid(noise: float = 0.0, seeds: int = 1):
    """Runs of a Chinchilla law, E 1.7, on a grid of N and D; along the front L − E ~ C^−.17."""
    n, d, s = (
        v.ravel()
        for v in np.meshgrid(np.geomspace(1e7, 1e10, 13), np.geomspace(1e7, 1e10, 13), range(seeds))
    )
    rng = np.random.default_rng(0)
    loss = (1.7 + 400 * n**-0.34 + 400 * d**-0.34) * np.exp(noise * rng.standard_normal(len(n)))
    return {"params": n, "tokens": d, "seed": s, "flops": 6 * n * d, "loss": loss}


def test_the_exponent_along_the_front_is_the_laws_own() -> None:
    """Hoffmann et al. 2022: L(C) − E ~ C^−αβ/(α+β), here .17, off the front or not."""
    runs = grid(0.001, 3)
    found = front(runs, "flops", "loss", cells=["params", "tokens"], law="power_floor")
    assert 5 < len(found.on) < len(found.flops) == 169
    assert np.all(np.diff(found.flops[found.on]) > 0) and np.all(
        np.diff(found.losses[found.on]) < 0
    )
    # The least of noisy runs is picked, and the grid meets the optimum only now and then.
    assert found.law.params["alpha"] == pytest.approx(0.17, abs=0.015)
    assert found.law.params["E"] == pytest.approx(1.7, abs=0.1)
    _, low, high = front(runs, "flops", "loss", cells=["params", "tokens"]).law.floor()
    assert low < 1.7 < high


def test_runs_off_the_front_do_not_move_the_law() -> None:
    runs = grid()
    wasted = {name: np.append(values, values[-1]) for name, values in runs.items()}
    wasted["loss"][-1], wasted["flops"][-1] = 9.0, 1e21
    one, other = (front(each, "flops", "loss", law="power") for each in (runs, wasted))
    assert one.law.params == other.law.params and len(other.flops) == len(one.flops) + 1


def test_a_front_too_short_for_a_law_says_so() -> None:
    flat = {"flops": [1.0, 2.0, 3.0], "loss": [2.0, 2.0, 2.0]}
    with pytest.raises(UserError, match="1 of 3 configurations lie on it"):
        front(flat, "flops", "loss")
    with pytest.raises(UserError, match="row 2 holds -2"):
        front({"flops": [1.0, -2.0, 3.0], "loss": [2.0, 2.0, 2.0]}, "flops", "loss")
    with pytest.raises(UserError, match="'cell' is missing"):
        front(flat, "flops", "loss", cells=["cell"])


def test_the_command_prints_front_and_law(tmp_path, capsys) -> None:
    runs = grid()
    cells = enumerate(zip(runs["flops"].tolist(), runs["loss"].tolist(), strict=True))
    lines = ["flops,loss,size", *(f"{c!r},{y!r},{i}" for i, (c, y) in cells)]
    (tmp_path / "runs.csv").write_text("\n".join(lines))
    path, saved = str(tmp_path / "runs.csv"), str(tmp_path / "law.json")
    assert (
        main(["front", path, "--y", "loss", "--cell", "size", "--law", "power", "--out", saved])
        == 0
    )
    said = capsys.readouterr().out
    assert said.startswith("front: ") and "of 169 configurations" in said and "alpha = " in said
    assert main(["optimum", saved, "--target", "2.5"]) == 0
    assert "loss = 2.5 at flops = " in capsys.readouterr().out
    assert main(["front", path, "--y", "lost"]) == 2
    assert "lost" in capsys.readouterr().err
