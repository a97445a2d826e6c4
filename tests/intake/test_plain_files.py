"""What has no library to write it here: CSV as W&B exports it, lm-evaluation-harness' JSON, tables.
And what is said of runs whatever they are from."""

from __future__ import annotations

import csv
import math

import pytest
from alphascale.cli import main
from alphascale.intake.names import in_path, is_housekeeping, named
from intake_made import (
    as_csv,
    evaluation,
    imported,
    ladder,
    refused,
    rows_of,
    wandb_panel,
    wandb_table,
)


def test_wandbs_table_of_runs_and_its_panels_are_put_together_by_name(tmp_path, capsys) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    wandb_table(folder / "runs.csv", ladder())
    alone = imported(folder / "runs.csv", tmp_path / "a.csv")
    assert [float(r["loss"]) for r in alone] == [r.history()[-1]["val_loss"] for r in ladder()]
    assert not (tmp_path / "a.curves.csv").exists() and "no histories" in capsys.readouterr().out
    wandb_panel(folder / "loss.csv", ladder())
    rows = {r["run"]: r for r in imported(folder, tmp_path / "b.csv")}
    # The table holds the last value; the history its best.
    for run in ladder():
        assert float(rows[run.name]["loss"]) == run.history()[2]["val_loss"]
        assert (rows[run.name]["params"], rows[run.name]["seconds"]) == (str(run.params), "60")
        assert float(rows[run.name]["accuracy"]) == run.history()[-1]["val_accuracy"]
    assert "accuracy: has no history, its one value is taken" in capsys.readouterr().out
    assert len(rows_of(tmp_path / "b.curves.csv")) == 4 * len(ladder())


def test_a_crashed_run_of_wandb_is_a_row_without_a_number(tmp_path, capsys) -> None:
    wandb_table(tmp_path / "runs.csv", ladder()[:2], State="crashed")
    assert "no run that finished has a result" in refused(
        capsys, tmp_path / "runs.csv", tmp_path / "out.csv"
    )


def test_lm_evaluations_of_one_model_are_one_run(tmp_path, capsys) -> None:
    for i, (model, params) in enumerate((("org/m70", 70_000_000), ("org/m160", 160_000_000))):
        name = f"results_2026-01-0{i + 1}T00-00-00.1.json"
        evaluation(tmp_path / f"one/{i}" / name, model, params, hellaswag=0.3 + i / 10)
        evaluation(tmp_path / f"two/{i}/a" / name, model, params, hellaswag=0.3 + i / 10)
        evaluation(tmp_path / f"two/{i}/b" / name, model, params, arc=0.25 + i / 4)
    one = imported(tmp_path / "one", tmp_path / "one.csv")
    assert [(r["run"], r["params"], r["accuracy"], r["error"], r["seed"]) for r in one] == [
        ("org/m70", "70000000", "0.3", "0.7", ""), ("org/m160", "160000000", "0.4", "0.6", ""),
    ]  # fmt: skip
    two = imported(tmp_path / "two", tmp_path / "two.csv")
    assert [(r["hellaswag_acc"], r["arc_acc"]) for r in two] == [("0.3", "0.25"), ("0.4", "0.5")]
    assert "--metric accuracy=hellaswag/acc" in capsys.readouterr().out
    named_one = imported(tmp_path / "two", tmp_path / "n.csv", "--metric", "accuracy=arc/acc")
    assert [r["accuracy"] for r in named_one] == ["0.25", "0.5"]
    assert "hellaswag_acc" not in named_one[0]
    evaluation(tmp_path / "api/results_1.json", "served", None, arc=0.5)
    assert "as for models behind an API" in refused(capsys, tmp_path / "api", tmp_path / "x.csv")


def test_a_table_of_ones_own_is_read_by_its_columns_names_or_those_given(tmp_path, capsys) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = {
        "Model": ["a", "b", "c"], "size": ["1.2M", "12M", "120M"], "score": [0.5, 0.4, 0.3],
        "val acc": ["71 %", "80%", "90"], "note": ["x", "y", "z"],
    }  # fmt: skip
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([columns, *zip(*columns.values(), strict=True)])
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert "size, " in refused(capsys, tmp_path / "t.csv", tmp_path / "no.csv")
    for name in ("t.csv", "t.parquet"):
        rows = imported(tmp_path / name, tmp_path / "out.csv", "--params", "size",
                        "--metric", "accuracy", "--metric", "loss=score")  # fmt: skip
        assert [(r["run"], r["params"], r["accuracy"], r["loss"]) for r in rows] == [
            ("a", "1200000", "0.71", "0.5"), ("b", "12000000", "0.8", "0.4"),
            ("c", "120000000", "0.9", "0.3"),
        ]  # fmt: skip
    # What was imported is imported again, with its states.
    again = imported(tmp_path / "out.csv", tmp_path / "again.csv")
    assert [r["accuracy"] for r in again] == [r["accuracy"] for r in rows]


def test_the_plain_csv_is_what_fit_reads_and_empty_cells_are_left_out_on_request(
    tmp_path, capsys
) -> None:
    typed = as_csv(tmp_path / "typed.csv")
    imported(typed, tmp_path / "runs.csv")
    said = capsys.readouterr().out
    assert f"next: alphascale fit {tmp_path / 'runs.csv'} --x params --y error\n" in said
    assert main(["fit", str(tmp_path / "runs.csv"), "--x", "params", "--y", "loss"]) == 0
    with typed.open("a") as handle:
        handle.write("500,0,nan,\n")
    rows = imported(typed, tmp_path / "runs.csv")
    said = capsys.readouterr().out
    assert (rows[-1]["status"], rows[-1]["loss"]) == ("diverged", "")
    assert "--skip-invalid\n" in said and "loss ends in nan" in said
    fit = ["fit", str(tmp_path / "runs.csv"), "--x", "params", "--y", "loss"]
    assert main(fit) == 2
    assert main([*fit, "--skip-invalid"]) == 0


def test_shares_and_percentages_in_one_column_are_not_guessed_at(tmp_path, capsys) -> None:
    (tmp_path / "t.csv").write_text("run,params,acc,loss\na,100,0.5,1\nb,200,71,2\n")
    rows = imported(tmp_path / "t.csv", tmp_path / "out.csv")
    assert "accuracy" not in rows[0] and [r["loss"] for r in rows] == ["1", "2"]
    assert "holds shares and percentages, as 0.5 (a) and 71 (b)" in capsys.readouterr().out
    one = imported(tmp_path / "t.csv", tmp_path / "o.csv", "--where", "acc > 1")
    assert [r["accuracy"] for r in one] == ["0.71"]
    said = refused(capsys, tmp_path / "t.csv", tmp_path / "no.csv", "--metric", "accuracy")
    assert "take one kind by --where" in said
    (tmp_path / "t.csv").write_text("run,params,acc\na,100,250\n")
    assert "250 (a) is no share" in refused(capsys, tmp_path / "t.csv", tmp_path / "no.csv")


@pytest.mark.parametrize(
    ("raw", "common", "split"),
    [
        ("eval_loss", "loss", "validation"), ("val/loss", "loss", "validation"),
        ("valid_loss", "loss", "validation"), ("Loss/train", "loss", "train"),
        ("train_loss_epoch", "loss", "train"), ("test_acc", "accuracy", "test"),
        ("validation/accuracy", "accuracy", "validation"), ("valAcc", "accuracy", "validation"),
        ("loss", "loss", ""), ("my/score", "my_score", ""),
        ("eval_macro_f1", "macro_f1", "validation"),
        ("epoch_loss", "loss", ""), ("dev ppl", "perplexity", "validation"),
        ("top5_error", "top5_error", ""), ("trainable", "trainable", ""),
        ("eval_r2", "r2", "validation"),
    ],
)  # fmt: skip
def test_names_of_results_are_read_by_their_words(raw, common, split) -> None:
    assert (named(raw).common, named(raw).split) == (common, split)
    assert not is_housekeeping(raw)


def test_clocks_and_schedules_are_no_results_and_paths_tell_seeds() -> None:
    for raw in (
        "eval_runtime",
        "train_samples_per_second",
        "grad_norm",
        "lr-AdamW",
        "epoch",
        "system/gpu_0_memory",
        "_timestamp",
        "trainer/global_step",
        "hp_metric",
    ):
        assert is_housekeeping(raw), raw
    assert in_path("seed", "runs/w64-seed_3/x") == "3" and in_path("lr", "lr1e-3_seed0") == "1e-3"
    assert in_path("params", "params=1.2M") == "1.2M"
    assert in_path("seed", "seedling7") is None and in_path("seed", "seed3b") is None


def history(path, curves: dict[str, list[dict[str, float]]], **columns) -> None:
    """A table with a row for each step of each run."""
    with path.open("w", newline="") as handle:
        names = list(next(iter(curves.values()))[0])
        writer = csv.writer(handle)
        writer.writerow(["run", "step", "params", *names])
        for i, (run, curve) in enumerate(curves.items()):
            for step, values in enumerate(curve):
                writer.writerow([run, step, 100 * (i + 1), *(values.get(n, "") for n in names)])


def test_best_is_by_the_result_asked_for_in_its_own_sense(tmp_path, capsys) -> None:
    curve = [
        {"val_loss": 2.0, "val_accuracy": 0.5, "loss": 1.9}, {"val_loss": 1.0, "val_accuracy": 0.6},
        {"val_loss": 1.5, "val_accuracy": 0.7, "loss": 1.1}, {"val_loss": 3.0, "val_accuracy": 0.1},
    ]  # fmt: skip
    path = tmp_path / "h.csv"
    history(path, {"a": curve, "b": curve})
    out = tmp_path / "runs.csv"

    def taken(*options: str) -> tuple:
        row = imported(path, out, *options)[0]
        return row.get("loss"), row.get("accuracy"), row.get("train_loss")

    # Keras' `loss` beside `val_loss` is of training; it was last logged before the best step.
    assert taken() == ("1", "0.6", "1.9")
    assert taken("--take", "last") == ("3", "0.1", "1.1")
    assert taken("--metric", "accuracy", "--metric", "loss") == ("1.5", "0.7", None)
    capsys.readouterr()
    history(path, {"a": [{"loss": 2.0}, {"loss": 1.0}, {"loss": 1.5}]})
    assert taken()[0] == "1.5" and "no history of a validation" in capsys.readouterr().out
    assert taken("--take", "best")[0] == "1"


def test_a_run_that_ends_in_no_number_has_diverged_however_good_it_was(tmp_path, capsys) -> None:
    good = [{"val_loss": 2.0}, {"val_loss": 1.0}]
    path = tmp_path / "h.csv"
    none, ends = {"val_loss": math.nan}, {"val_loss": math.inf}
    history(path, {"a": good, "b": [*good, none], "c": [none, *good], "d": [*good, ends]})
    rows = imported(path, tmp_path / "runs.csv")
    assert [(r["status"], r["loss"]) for r in rows] == [
        ("ok", "1"), ("diverged", ""), ("ok", "1"), ("diverged", ""),
    ]  # fmt: skip
    assert "nan" not in (tmp_path / "runs.curves.csv").read_text()


def test_columns_stand_in_one_order_whatever_was_logged_first(tmp_path) -> None:
    names = ["train_loss", "zeta_loss", "val_loss", "test_acc", "val_acc"]
    for order in (names, names[::-1]):
        (tmp_path / "t.csv").write_text(
            f"run,params,{','.join(order)}\n" + "a,100" + ",.5" * 5 + "\n"
        )
        imported(tmp_path / "t.csv", tmp_path / "runs.csv")
        head = (tmp_path / "runs.csv").read_text().splitlines()[0].split(",")
        assert head == [
            "run", "params", "samples", "epochs", "steps", "seed", "learning_rate", "flops",
            "seconds", "accuracy", "error", "loss", "zeta_loss", "test_accuracy", "train_loss",
            "status", "source",
        ]  # fmt: skip


def test_validation_goes_before_test_and_both_are_kept(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("run,params,val_acc,test_acc,train_acc\na,100,.8,.7,.99\n")
    (row,) = imported(tmp_path / "t.csv", tmp_path / "runs.csv")
    assert (row["accuracy"], row["test_accuracy"], row["train_accuracy"]) == ("0.8", "0.7", "0.99")
    (tmp_path / "t.csv").write_text("run,params,test_acc,train_acc\na,100,.7,.99\n")
    (row,) = imported(tmp_path / "t.csv", tmp_path / "runs.csv")
    assert row["accuracy"] == "0.7" and "test_accuracy" not in row


def test_runs_without_parameters_end_in_how_to_give_them(tmp_path, capsys) -> None:
    (tmp_path / "t.csv").write_text("run,width,params,loss\nn10-a,1,,.5\nn20-b,2,200,.4\n")
    said = refused(capsys, tmp_path / "t.csv", tmp_path / "out.csv")
    assert "1 of 2 run(s) have no number of parameters (first n10-a)" in said
    assert "--params" in said and "--skip-invalid" in said and "width" in said
    rows = imported(tmp_path / "t.csv", tmp_path / "out.csv", "--skip-invalid")
    assert [r["run"] for r in rows] == ["n20-b"] and "n10-a" in capsys.readouterr().out
    (tmp_path / "zero.csv").write_text("run,params,loss\nnone,0,.5\nless,-1,.5\nsome,2,.4\n")
    rows = imported(tmp_path / "zero.csv", tmp_path / "zero-out.csv", "--skip-invalid")
    assert [r["run"] for r in rows] == ["some"]
    assert (
        "0 (`params` (configuration)) in none is no such number: left empty"
        in capsys.readouterr().out
    )

    def params(what: str) -> list[str]:
        return [r["params"] for r in imported(tmp_path / "t.csv", tmp_path / "p.csv",
                                              "--params", what)]  # fmt: skip

    assert params("70M") == ["70000000"] * 2
    assert params("width") == ["1", "2"]
    assert params("n") == ["10", "20"]
    given = tmp_path / "sizes.csv"
    given.write_text("run,params\nn10-a,7\nn20-b,8\n")
    assert params(str(given)) == ["7", "8"]
    assert "no run has a number by that name" in refused(
        capsys, tmp_path / "t.csv", tmp_path / "no.csv", "--params", "depth"
    )
    given.write_text("run,params\nother,7\n")
    assert "names none of these runs, as 'n10-a'" in refused(
        capsys, tmp_path / "t.csv", tmp_path / "no.csv", "--params", str(given)
    )


def test_what_was_trained_twice_is_said(tmp_path, capsys) -> None:
    (tmp_path / "t.csv").write_text(
        "run,params,seed,loss\na,100,0,.5\nb,100,0,.51\nc,100,1,.5\nd,200,0,.3\n"
    )
    assert len(imported(tmp_path / "t.csv", tmp_path / "out.csv")) == 4
    assert "the same configuration and seed: a, b;" in capsys.readouterr().out


def test_nothing_but_an_earlier_import_is_written_over(tmp_path, capsys) -> None:
    path, out = tmp_path / "h.csv", tmp_path / "runs.csv"
    history(path, {"a": [{"val_loss": 2.0}, {"val_loss": 1.0}]})
    imported(path, out)
    imported(path, out)
    assert (tmp_path / "runs.curves.csv").exists()
    imported(as_csv(tmp_path / "typed.csv"), out)
    assert not (tmp_path / "runs.curves.csv").exists()
    assert "of an earlier import" in capsys.readouterr().out
    for name in ("runs.csv", "runs.curves.csv"):
        (tmp_path / "runs.csv").unlink(missing_ok=True)
        (tmp_path / name).write_text("mine\n1\n")
        assert main(["import", str(path), "--out", str(out)]) == 2
        assert "was not written by this command" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "mine\n1\n"
        (tmp_path / name).unlink()
    assert main(["import", str(path), "--out", str(path)]) == 2
    assert "is what is read here" in capsys.readouterr().err


def test_a_percentage_with_its_sign_is_the_share_it_is(tmp_path) -> None:
    """0.9% is .009, and one column may hold 0.9% and 50%."""
    rows = "".join(f"{n},{e}\n" for n, e in ((1000, "50%"), (10000, "1.0%"), (100000, "0.9%")))
    (tmp_path / "mine.csv").write_text("params,error\n" + rows)
    assert main(["import", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "runs.csv")]) == 0
    with (tmp_path / "runs.csv").open(newline="") as stream:
        assert [float(row["error"]) for row in csv.DictReader(stream)] == [0.5, 0.01, 0.009]


def test_a_run_s_own_parameters_come_before_nested_ones(tmp_path) -> None:
    """`teacher/params` stands first, and is another model's."""
    rows = "".join(f"340000000,{n},{0.5 - i / 10}\n" for i, n in enumerate((1000, 10000, 100000)))
    (tmp_path / "mine.csv").write_text("teacher/params,params,error\n" + rows)
    assert main(["import", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "runs.csv")]) == 0
    with (tmp_path / "runs.csv").open(newline="") as stream:
        assert [row["params"] for row in csv.DictReader(stream)] == ["1000", "10000", "100000"]
