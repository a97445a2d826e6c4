"""What a user's own table may hold that looks like something else: said with file and line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alphascale.config import check_paths, read_study
from alphascale.errors import LONGEST, UserError
from alphascale.sources.inspect import folder_state
from data_made import built, write_csv, write_json_lines


def table(folder: Path, column: list[str], header: str = "x") -> Path:
    path = folder / "t.csv"
    rows = [f"{value};{'ab'[i % 2]}" for i, value in enumerate(column)]
    path.write_text("\n".join([f"{header};label", "", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("number", ["{},5", "1.000,{}", "-{},25", "{},0E-3"])
def test_numbers_with_a_decimal_comma_are_no_categories(tmp_path: Path, number: str) -> None:
    path = table(tmp_path, ["7", *(number.format(i) for i in range(60))])
    with pytest.raises(UserError) as fault:
        built("csv", path=str(path))
    first = number.format(0)
    assert f"{path}, line 4: column 'x' holds numbers with a comma, as '{first}', 60 of 61" in str(
        fault.value
    )


def test_words_with_commas_are_categories(tmp_path: Path) -> None:
    _, about = built("csv", path=str(table(tmp_path, ["red, dark", "blue", "3,5"] * 20)))
    assert about["columns"] == ["x_3,5", "x_blue", "x_red, dark"]


def test_missing_labels_and_infinite_numbers_are_told_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('x,label\n"a\nb",k\n\nc,\nd,k\n')
    with pytest.raises(UserError, match=rf"{path} has no value in 1 of 3 rows \(first: line 5"):
        built("csv", path=str(path))
    path = table(tmp_path, ["1", "2", "inf", "4"] * 10)
    with pytest.raises(UserError, match=rf"path: {path}, line 5: column 'x' holds 10 infinite"):
        built("csv", path=str(path))
    path = write_json_lines(tmp_path / "t.jsonl", [{"text": "a", "label": "x"}, {"text": "b"}])
    Path(path).write_text("\n" + Path(path).read_text())
    with pytest.raises(UserError, match=rf"label: {path}, line 3 has no key 'label'"):
        built("text", path=path)


def test_a_cell_of_megabytes_is_quoted_by_its_beginning(tmp_path: Path) -> None:
    huge = "w" * 3_000_000
    header = ["x", "label"]
    for rows in ([[huge, "a"]] * 40, [[i, "a"] for i in range(40)] + [[1, huge]]):
        path = write_csv(tmp_path / "t.csv", header, rows)
        with pytest.raises(UserError) as fault:
            built("csv", path=path)
        assert len(str(fault.value)) < 500
    numbers = [[i, "ab"[i % 2]] for i in range(60)] + [[huge, "a"]]
    _, about = built("csv", path=write_csv(tmp_path / "t.csv", header, numbers))
    assert "values are no numbers (as 'www" in about["notes"][0] and len(about["notes"][0]) < 400
    _, about = built(
        "csv", path=write_csv(tmp_path / "t.csv", header, [[huge, "a"], [huge, "b"]] * 20)
    )
    assert max(map(len, about["notes"])) < LONGEST


def test_a_pipe_is_refused_and_one_in_a_folder_holds_nobody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        data = {"source": "csv", "path": str(path)}
        task = {"data": data, "family": "mlp", "target": {"accuracy": 0.9}}
        task["ladder"] = {f"w{w}": {"width": w} for w in range(1, 6)}
        with pytest.raises(UserError, match=r"domains\.d\.data\.path: .* a pipe or a device"):
            check_paths(read_study({"domains": {"d": task}}))
    code = "import sys; from alphascale.sources.inspect import folder_state as f; f(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    assert "pipe" in folder_state(str(tmp_path))
