"""`--where`: rows by a condition, never by running it; what is left is said."""

from __future__ import annotations

import csv
import itertools

import numpy as np
import pytest
from alphascale.cli import main
from alphascale.errors import UserError
from alphascale.tables.reading import read_csv
from alphascale.tables.where import where

HEAD = ["Task", "Seen Examples", "Loss", "Training"]


@pytest.fixture
def table(tmp_path):
    """Two curves; the rows that are not for training lie far off, so that whoever fits them too
    is found out."""
    path = tmp_path / "curves.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEAD)
        for task, floor in (("a and b", 0.1), ("('date', '1-shot')", 0.2)):
            for x in np.geomspace(1e3, 1e6, 20):
                loss = floor + 30 * x**-0.5
                writer.writerow([task, x, loss, 1])
                writer.writerow([task, 3 * x, 2 * loss, 0])
    return path


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("Training == 1", 40),
        ("Training==1.0", 40),
        ("Training != 1", 40),
        ("`Training` == '1'", 40),
        ("Seen Examples > 1e5 and Training == 1", 14),
        ("Task == 'a and b' and Training == 1", 20),
        ("""Task == "('date', '1-shot')" AND Training < 1""", 20),
        ("Training == 1 and Seen Examples <= 1000 or Training == 0 and Seen Examples <= 3000", 4),
    ],
)
def test_conditions(table, condition, rows) -> None:
    kept, told = where(read_csv(table), condition)
    assert len(kept.lines) == rows
    assert told == f"where {condition}: {rows} of 80 rows"


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("Training", "no comparison"),
        ("Training = 1", "no comparison"),
        ("1 == 1 == 1", "no comparison"),
        ("== 1", "no comparison"),
        ("Training == 1 and", "nothing beside"),
        ("", "is empty"),
        ("Trainin == 1", "column 'Trainin' is missing"),
        ("Training == 7", "none of 80 rows"),
        ("Task > 3", "is not a number"),
        ("Training == '1", "quotation mark"),
        ("(Training == 1)", "has brackets"),
        ("__import__('os').system('touch x') == 1", "is missing"),
    ],
)
def test_what_is_no_condition_is_one_line(table, condition, message, capsys) -> None:
    with pytest.raises(UserError, match=message) as fault:
        where(read_csv(table), condition)
    assert "\n" not in str(fault.value)
    words = ["fit", str(table), "--x", "Seen Examples", "--y", "Loss", "--where", condition]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def test_fit_and_predict_take_the_rows_and_say_how_many(table, tmp_path, capsys) -> None:
    saved, out = tmp_path / "fit.json", tmp_path / "predicted.csv"
    task = "Task == 'a and b'"
    words = ["--x", "Seen Examples", "--y", "Loss", "--law", "m2", "--resamples", "0"]
    assert main(
        ["fit", str(table), *words, "--where", task, "--where", "Training == 1",
         "--out", str(saved)]
    ) == 0  # fmt: skip
    told = capsys.readouterr().out
    assert "where Training == 1: 20 of 40 rows" in told
    assert "err_inf = 0.1\n" in told
    words = ["predict", str(saved), str(table), "--where", f"{task} and Training == 0"]
    assert main([*words, "--y", "Loss", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    # The curve at 3x lies below what was written there, by more than a factor of two.
    assert "over 20 row(s): 1." in told and "standard error" in told
    assert len(out.read_text().splitlines()) == 21


def test_published_options_on_the_command_line(table, capsys) -> None:
    words = ["fit", str(table), "--x", "Seen Examples", "--y", "Loss", "--law", "m4"]
    words += ["--where", "Training == 1 and Task == 'a and b'", "--resamples", "0"]
    for flags in (
        ["--err-0", "1.5", "--no-update-err-0"],
        ["--err_0", "1.5", "--no-update_err_0", "--max_iterations", "300"],
    ):
        assert main([*words, *flags]) == 0
        assert "err_0 = 1.5\n" in capsys.readouterr().out
    assert main([*words, "--err-0", "0.2", "--no-update-err-0"]) == 2
    assert "above the largest response" in capsys.readouterr().err


def test_nan_equals_nothing_and_quoted_text_is_text(tmp_path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("note,ver\nnan,1.1\na,1.10\nnan,1.1\nb,1.10\n")
    for condition, rows in (("note != nan", 2), ('ver == "1.10"', 2), ('ver != "1.10"', 2),
                            ("ver == 1.1", 4)):  # fmt: skip
        assert len(where(read_csv(path), condition)[0].lines) == rows, condition
    with pytest.raises(UserError, match="none of 4 rows"):
        where(read_csv(path), "ver == 1_1")


def test_every_command_that_reads_rows_filters_them(tmp_path, capsys) -> None:
    grid = itertools.product((1, 2), (1e4, 1e5, 1e6, 1e7), (1e5, 1e6, 1e7, 1e8))
    rows = [f"{n},{d},{6 * n * d},{s + 400 * n**-0.5 + 300 * d**-0.4},{s}" for s, n, d in grid]
    (tmp_path / "runs.csv").write_text("\n".join(["params,tokens,flops,loss,task", *rows]) + "\n")
    asked = ["front", str(tmp_path / "runs.csv"), "--y", "loss"]
    said = []
    for condition in ("task == 1", "task == 2"):
        assert main([*asked, "--where", condition]) == 0
        said.append(capsys.readouterr().out)
        assert f"where {condition}: 16 of 32 rows" in said[-1]
    assert said[0].splitlines()[1:] != said[1].splitlines()[1:]
    assert main([*asked, "--where", "nosuch == 1"]) == 2
    assert main([*asked, "--out", str(tmp_path / "runs.csv")]) == 2
    assert "is what is read here" in capsys.readouterr().err
