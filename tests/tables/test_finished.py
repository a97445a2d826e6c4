"""`alphascale prior`: a team's finished studies, by their folders, inform its next fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from alphascale.cli import main
from alphascale.fitting.learning import read_prior
from alphascale.laws.priors import SHIPPED
from observations_made import observed

SIZES = {f"s{n}": float(n) for n in (1000, 2000, 4000, 8000, 16_000, 32_000)}


def study(folder: Path, draw: int, sizes: dict[str, float] = SIZES) -> Path:
    """A finished study of one domain whose error is .01 + 12·N^−.6 + 3·D^−.5."""
    frame = observed(
        sizes, lambda n, samples: 0.01 + 12 * n**-0.6 + 3 * samples**-0.5, noise=0.03, pool=8000,
        epochs=10, fractions=("0.25", "0.5", "1.0"), draw=draw,
    )  # fmt: skip
    for name in ("observations", "decision"):
        (folder / name).mkdir(parents=True)
    frame.to_csv(folder / "observations" / "d.csv", index=False)
    told = {"metric": "error", "counted": "total", "fraction": "1.0"}
    (folder / "decision" / "d.json").write_text(json.dumps(told))
    return folder


def test_finished_studies_narrow_the_exponents_and_say_what_they_were(tmp_path, capsys) -> None:
    studies = [str(study(tmp_path / f"run{draw}", draw)) for draw in range(4)]
    out = tmp_path / "prior.json"
    assert main(["prior", *studies, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "learned from 8 tables" in said and "run3/d: error of 6 sizes at 3 amounts" in said
    learned = read_prior(out)
    for role in ("one", "two"):
        assert getattr(learned, role)[0].sd[1] < 0.8 * getattr(SHIPPED, role)[0].sd[1]


def test_a_fit_with_the_prior_is_another_and_narrower(tmp_path, capsys) -> None:
    studies = [str(study(tmp_path / f"run{draw}", draw)) for draw in range(4)]
    prior, table = str(tmp_path / "prior.json"), tmp_path / "run9" / "observations" / "d.csv"
    study(tmp_path / "run9", 9, dict(list(SIZES.items())[:3]))
    main(["prior", *studies, "--out", prior])
    (tmp_path / "at.csv").write_text("params,samples\n64000,8000\n")
    widths = []
    for more in ([], ["--prior", prior]):
        fit, out = str(tmp_path / "fit.json"), str(tmp_path / "out.csv")
        columns = ["--x", "params", "--x2", "samples", "--y", "test_error"]
        assert main(["fit", str(table), *columns, "--out", fit, *more]) == 0
        assert main(["predict", fit, str(tmp_path / "at.csv"), "--out", out]) == 0
        *_, lower, upper = Path(out).read_text().splitlines()[1].split(",")
        widths.append(np.log(float(upper) / float(lower)))
    assert widths[1] < 0.9 * widths[0]


def test_folders_that_teach_nothing_are_named(tmp_path, capsys) -> None:
    short = study(tmp_path / "short", 0, dict(list(SIZES.items())[:3]))
    good = study(tmp_path / "good", 1)
    assert main(["prior", str(short), str(good), "--out", str(tmp_path / "p.json")]) == 0
    assert "left out" in (said := capsys.readouterr().out) and "short" in said and "3 sizes" in said


@pytest.mark.parametrize("fault", ["absent", "decision", "column", "only short"])
def test_a_fault_is_one_line_and_writes_nothing(tmp_path, capsys, fault: str) -> None:
    folder = study(tmp_path / "run", 0, dict(list(SIZES.items())[: 3 if "short" in fault else 6]))
    if fault == "absent":
        folder = tmp_path / "nothing"
    if fault == "decision":
        (folder / "decision" / "d.json").write_text("{}")
    if fault == "column":
        (folder / "observations" / "d.csv").write_text("a,b\n1,2\n")
    assert main(["prior", str(folder), "--out", str(tmp_path / "p.json")]) == 2
    assert str(folder) in capsys.readouterr().err and not (tmp_path / "p.json").exists()


def test_the_same_runs_teach_once(tmp_path, capsys) -> None:
    """A study whose run was copied under another name, or tried with another target."""
    once, again = study(tmp_path / "once", 0), study(tmp_path / "again", 0)
    assert main(["prior", str(once), "--out", str(tmp_path / "a.json")]) == 0
    assert main(["prior", str(once), str(again), "--out", str(tmp_path / "b.json")]) == 0
    assert "again/d: error of 6 sizes: the runs of once/d: error" in capsys.readouterr().out
    a, b = (json.loads((tmp_path / f"{name}.json").read_text()) for name in "ab")
    assert a == b
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    assert main(["prior", str(once), "--out", str(other)]) == 2 and other.read_text() == "mine"
