"""Refused, skipped, said: predictors by name, cells that are no numbers, options twice."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alphascale.cli import main
from alphascale.errors import UserError
from alphascale.grids.allocation import optimum_for_flops
from alphascale.laws import fit
from laws_made import chinchilla


@pytest.mark.parametrize("law", ["chinchilla", "auto"])
def test_predictors_go_by_their_names(law) -> None:
    made = chinchilla(0.001)
    frame = {"params": made["N"], "tokens": made["D"], "loss": made["loss"]}
    one = fit(frame, "params", "loss", x2="tokens", law=law, resamples=40)
    two = fit(frame, "tokens", "loss", x2="params", law=law, resamples=40)
    assert one.columns == two.columns == ("params", "tokens")
    assert optimum_for_flops(one, 1e21) == optimum_for_flops(two, 1e21)


def test_rows_that_are_no_numbers_are_named_or_left_out(tmp_path, capsys) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("params,loss\n1e3,\n1e4,.5\n2e4,.4\n4e4,NA\n8e4,.3\n")
    arguments = ["fit", str(path), "--x", "params", "--y", "loss"]
    assert main(arguments) == 2
    assert "runs.csv, line 2: column 'loss': '' is not a number" in capsys.readouterr().err
    assert main([*arguments, "--skip-invalid"]) == 0
    out = capsys.readouterr().out
    assert "2 row(s) left out" in out and "line 2, line 5" in out and "on 3 points" in out


def test_refusals_are_one_line(tmp_path, capsys) -> None:
    for arguments, message in (
        (["calc", "solve", "--law", "chinchilla", "--for", "flops", "--loss", "500"], "above 14"),
        (["fit", "a.csv", "--x", "a", "--x", "b", "--y", "c"], "--x is given twice"),
    ):
        with pytest.raises(SystemExit) if "twice" in message else pytest.MonkeyPatch.context():
            assert main(arguments) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
    assert main(["calc", "solve", "--law", "kaplan-n", "--for", "params", "--loss", ".1"]) == 0
    assert "extrapolates: params is" in capsys.readouterr().out
    given = ["--for", "flops", "--loss", "3", "--params", "1e8"]  # and D from C = 6·N·D
    assert main(["calc", "solve", "--law", "kaplan-nd", *given]) == 0
    for options in ({"resamples": 1}, {"resamples": -1}, {"seed": -1}):
        with pytest.raises(UserError, match="must be"):
            fit(chinchilla(0.001), "N", "loss", x2="D", law="chinchilla", **options)


def test_a_closed_stdout_is_no_fault() -> None:
    command = [sys.executable, "-m", "alphascale.cli", "calc", "laws"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == ""
