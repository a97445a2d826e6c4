"""The table of docs/gpu.md: every measurement on a CPU, with the code that a GPU runs; and on a
GPU, where there is one: `make test-gpu`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from gpu import cases, paper_rows, rows, table, training_rows

CPU = torch.device("cpu")
# What a CPU has not: everything else is measured there too.
SKIPPED_ON_A_CPU = ("memory ends", "energy", "graphs")


@pytest.mark.parametrize("name", table.MEASURES)
def test_every_measurement_runs_on_a_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PATIENCE", math.inf)
    found = list(table.measured(CPU, True, [name]))
    assert found
    for row in found:
        assert row.verdict != rows.FAILED, row
        assert row.verdict == rows.OK or row.name in SKIPPED_ON_A_CPU, row
        assert row.verdict == rows.SKIPPED or math.isfinite(row.value), row


@pytest.mark.gpu
@pytest.mark.parametrize("name", table.MEASURES)
def test_on_a_gpu(name: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no GPU here")
    failed = [
        row
        for row in table.measured(torch.device("cuda"), True, [name])
        if row.verdict == rows.FAILED
    ]
    assert not failed, "\n".join(rows.text(failed))


@pytest.mark.parametrize("case", cases.LARGER, ids=str)
def test_the_sizes_for_speed_are_models(case: cases.Case) -> None:
    """Two samples of each, one step, which is as much as a CPU does of them in a second."""
    taken, _ = training_rows.steps_of(replace(case, batch=2), CPU, 1, False, members=1)
    assert taken.isfinite().all()


def test_a_failure_is_a_row_and_not_the_end() -> None:
    def of(case: int) -> Iterator[rows.Row]:
        yield rows.Row("made", f"{case}", 1.0, "")
        if case == 1:
            raise RuntimeError("CUDA error: an illegal memory access\nCompile with …")

    found = list(rows.each("made", [0, 1, 2], of, 60))
    assert [(row.what, row.verdict) for row in found] == [
        ("0", "ok"), ("1", "ok"), ("1", "failed"), ("2", "ok"),
    ]  # fmt: skip
    assert found[2].why == "RuntimeError: CUDA error: an illegal memory access"
    late = list(rows.each("made", [0, 1], of, -1.0))
    assert [row.verdict for row in late] == ["skipped"] * 2
    assert rows.judged("made", "a loss", math.nan, 1.0, "").verdict == "failed"


def test_the_table_says_what_failed(monkeypatch, tmp_path, capsys) -> None:
    def broken(device: torch.device, quick: bool) -> Iterator[rows.Row]:
        yield rows.Row("made", "a | figure", 2_000.0, "samples/s")
        raise ValueError("no such kernel")

    monkeypatch.setitem(table.MEASURES, "energy", broken)
    words = ["--device", "cpu", "--quick", "--only", "energy", "--out", str(tmp_path / "gpu.md")]
    assert table.main(words) == 1
    assert "ValueError: no such kernel" in capsys.readouterr().out
    written = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert "| made | a / figure | 2,000 samples/s | ok |  |" in written
    assert "1 ok, 1 failed, 0 skipped" in written and f"torch: {torch.__version__}" in written


def test_without_a_gpu_it_is_said(capsys) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert table.main([]) == 2
    assert "finds no GPU" in capsys.readouterr().err


def test_a_difference_is_found_where_there_is_one() -> None:
    """What the rows hold against the CPU, another precision or another run would see a fault."""
    case = training_rows.SMALL[0].without_dropout()
    one, other = (
        training_rows.trained(case, CPU, seeds=3, learning_rates=[rate])[0] for rate in (3e-3, 0.5)
    )
    assert training_rows.compared("made", "", one, one).verdict == rows.OK
    assert training_rows.compared("made", "", one, other).verdict == rows.FAILED
    assert not training_rows.differing({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 2.0}]})
    differ = training_rows.differing({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 2.5}]})
    assert differ == ["a[1].b: 2.0 and 2.5"]


def test_the_time_of_a_step_is_a_line_in_its_flops() -> None:
    start, each = paper_rows.line((1e9, 3e-3), (5e9, 7e-3))
    assert (start, each) == (pytest.approx(2e-3), pytest.approx(1e-12))
    assert paper_rows.line((5e9, 7e-3), (1e9, 3e-3)) == (start, each)
    # Faster where there is more to do: the step alone. Slower than by its FLOPs: these alone.
    assert paper_rows.line((1e9, 4e-3), (5e9, 3e-3)) == (4e-3, 0.0)
    assert paper_rows.line((1e9, 1e-3), (2e9, 4e-3)) == (0.0, pytest.approx(2e-12))
