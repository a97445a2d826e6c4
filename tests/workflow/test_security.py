"""What comes from outside (a study, a table, a file of data) is data: it never runs, never reaches
a shell as anything but a word, and whatever is wrong with it ends in one line.

Fuzzing takes 16 s here; ALPHASCALE_FUZZ_SECONDS=300 (with -s, which shows how many examples were
tried) takes five minutes.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import yaml
from alphascale.cli import main
from alphascale.config import Data, read_study, refuse_code
from alphascale.data import make
from alphascale.data.pretrained import find_tokenizer
from alphascale.errors import UserError
from alphascale.records.typed import as_json
from alphascale.slices import (
    aggregate_slice,
    audit_slice,
    bootstrap_slice,
    canonical,
    cells,
    compare_slice,
    compared_groups,
    data_slice,
    data_spec,
    decision_slice,
    fit_slice,
    language_groups,
    language_slice,
    train_slice,
    verify_slice,
)
from alphascale.sources.images import read_idx
from alphascale.study import load_study
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from study_made import copy_project, own_study, write_study, write_table
from test_workflow import snakemake

BUDGET = float(os.environ.get("ALPHASCALE_FUZZ_SECONDS", "16"))
ODD = """-it's "two" ünïçode $(touch pwned) `touch pwned`; touch pwned & * ? ~ #\\.csv"""


def one_table(folder: Path, path: str) -> dict:
    study = own_study(folder / "data")
    task = study["domains"]["table"]
    task["data"]["path"], task["fractions"] = path, ["1.0"]
    task["training"]["epochs"] = 1
    study["domains"] = {"table": task}
    return study


def test_a_path_that_a_shell_would_run_is_a_path(root: Path, tmp_path: Path) -> None:
    """A leading dash, spaces, both quotes, commands, globs: in the study's and the project's."""
    folder = copy_project(root, tmp_path / "my $(touch pwned) 'pro\"ject'; touch pwned")
    write_table(folder / ODD, rows=120)
    write_study(folder, one_table(folder, ODD))
    done = snakemake(folder, "results/own/train/table/w2/1.0.json")
    assert done.returncode == 0, done.stderr[-3000:]
    described = json.loads((folder / "results/own/data/table.json").read_text())
    assert described["spec"]["path"] == ODD
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("path", ["a\nb.csv", "a\0b.csv", "{domain}.csv", "<x>.csv", "\x1b[2J", ""])
def test_a_path_that_snakemake_cannot_take_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be printed|Snakemake does not take|needs `path`"):
        Data.model_validate({"source": "csv", "path": path})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__use_yte__: true\n?__import__('pathlib').Path('pwned').touch(): 1\n", "__use_yte__"),
        ("a: !!python/object/apply:os.system ['touch pwned']\n", "not plain YAML"),
        ("a: [1\n", "not plain YAML"),
        ("- a\n", "is not a study"),
    ],
)
def test_a_study_is_data(root: Path, tmp_path: Path, text: str, words: str) -> None:
    folder = copy_project(root, tmp_path / "project")
    (folder / "config" / "config.yaml").write_text(text)
    done = snakemake(folder, "-n")
    assert done.returncode != 0 and not (folder / "pwned").exists()
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: config/config.yaml") and words in last
    assert "Traceback" not in done.stderr


def test_a_study_of_the_command_line_is_refused_too(root: Path, tmp_path: Path) -> None:
    folder = copy_project(root, tmp_path / "project")
    (folder / "other.yaml").write_text("__use_yte__: true\nrun: x\n")
    done = snakemake(folder, "-n", "--configfile", "other.yaml")
    assert done.returncode != 0
    assert "__use_yte__" in done.stderr.strip().splitlines()[-1]


def test_code_beside_a_tokenizer_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("open('pwned', 'w')\nclass Own: pass\n")
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": {"AutoTokenizer": ["own.Own", None]}, "tokenizer_class": "Own"})
    )
    code = "import sys; from alphascale.data.pretrained import find_tokenizer as f; f(sys.argv[1])"
    env = os.environ | {"PYTHONPATH": str(Path(make.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=tmp_path, env=env, input="y\ny\n",
        capture_output=True, text=True,
    )  # fmt: skip
    assert find_tokenizer.__module__ in code and "holds no tokenizer" in done.stderr
    assert not (tmp_path / "pwned").exists()


def fuzz(name: str, strategy: st.SearchStrategy, check: Callable[[Any], None]) -> None:
    """Rounds of examples, each round of another seed, until a quarter of the budget is spent."""
    tried, ends = 0, monotonic() + BUDGET / 4
    for number in itertools.count():

        @seed(number)
        @settings(
            max_examples=50, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def one(example: Any) -> None:
            nonlocal tried
            tried += 1
            check(example)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one()
        if monotonic() > ends:
            break
    print(f"\n{name}: {tried} examples tried")
    assert tried >= 50


def refused_in_one_line(call: Callable[[], Any]) -> Any:
    """What `call` gives, or None where it says in one line why not; nothing else may come of it."""
    try:
        return call()
    except UserError as fault:
        assert str(fault) and len(str(fault).splitlines()) == 1, repr(str(fault))
        return None


WORDS = st.sampled_from(
    ["", "0", "1e999", "nan", "-1", "../x", "-x", "a b", "ü", "1.0", "null", "true", "{x}", "\n",
     "auto", "cuda", "FR", "module:factory", "os:system", ":", "..:x", "csv", "text", "corpus",
     "mlp", "wikitext2", "optdigits", "power", "chinchilla", "\0", "\ud800", "a" * 300]
)  # fmt: skip
SCALARS = st.one_of(
    WORDS,
    st.text(max_size=8),
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2**31, 2**63, 2**64, 10**30, 10**400]),
    st.floats(),
    st.dates(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, base: dict) -> dict:
    """A study with one to four of its values changed, deleted, added or swapped."""
    study = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(study))
        holder, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["change", "delete", "add", "swap"]))
        if how == "change":
            holder[key] = draw(VALUES)
        elif how == "delete":
            del holder[key]
        elif how == "add" and isinstance(holder, dict):
            holder[draw(WORDS)] = draw(VALUES)
        else:
            other, there = draw(st.sampled_from(places))
            holder[key] = copy.deepcopy(other[there])
        if not study:
            break
    return study


def _places(value: Any):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, (dict, list)) and inner:
            yield from _places(inner)


def test_fuzzed_studies(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that parsing the Snakefile does with a study."""
    monkeypatch.chdir(tmp_path)
    own = own_study(tmp_path / "data")
    default = yaml.safe_load((root / "config/config.yaml").read_text())
    paper = yaml.safe_load((root / "config/paper.yaml").read_text())

    def check(config: dict) -> None:
        study = refused_in_one_line(lambda: load_study(config))
        if study is None:
            return
        language = language_groups(study)
        for name in study.domains:
            sections = [
                f(study, name)
                for f in (
                    data_slice, fit_slice, bootstrap_slice, decision_slice, audit_slice,
                    verify_slice,
                )
            ]  # fmt: skip
            sections += [train_slice(study, name, *cell) for cell in cells(study, name)]
            sections.append(aggregate_slice(study, name, "code", tmp_path / "none"))
            if name in language:
                sections.append(language_slice(study, name))
            if name in compared_groups(study):
                sections.append(compare_slice(study, name))
            for section in sections:
                assert json.loads(canonical(section)) is not None

    load_study(own), read_study(default), read_study(paper)
    fuzz("studies", st.one_of(*(mutated(base) for base in (own, default, paper))), check)


CELLS = st.one_of(
    st.sampled_from(["", "a", "b", "1", "2.5", "-3", "1e308", "1e-320", "inf", "nan", "?", '"',
                     "0x1", "1_0", "٣", "=1+1", "\0", "x" * 50]),
    st.floats(width=32).map(str), st.text(max_size=5),
)  # fmt: skip
NAMES = st.sampled_from(["label", "n", "loss", "x", " ", "", "label", "n ", "ü"])


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Half of a table, or a table half broken, or no table."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    mark = draw(st.sampled_from(",;\t|"))
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=draw(st.booleans())))
    if draw(st.booleans()):
        names = [
            "n",
            "loss",
            "label",
            *[name for name in names if name not in ("n", "loss", "label")],
        ]
    classes = draw(st.sampled_from([["a", "b"], ["0", "1", "2"], ["a"]]))
    numbers = draw(st.booleans())
    lines = [mark.join(names)]
    for row in range(draw(st.integers(0, 30))):
        fields = []
        for name in names:
            if name == "label" and draw(st.integers(0, 30)):
                fields.append(classes[row % len(classes)])
            elif numbers and draw(st.integers(0, 30)):
                fields.append(f"{draw(st.floats(1e-3, 1e6)):.4g}")
            else:
                fields.append(draw(CELLS))
        if not draw(st.integers(0, 40)):
            fields = fields[:-1]
        lines.append(mark.join(fields))
    content = draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.binary(max_size=4)) + content[at:]
    return content


def test_fuzzed_tables_of_data(tmp_path: Path) -> None:
    """From the bytes of a user's CSV to the tensors that are trained on."""
    path = tmp_path / "table.csv"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        data = data_spec(Data(source="csv", path=str(path)), 0)
        built = refused_in_one_line(lambda: make.build(data, lambda line: None))
        if built is not None:
            tensors, prepared = built
            json.dumps(as_json(prepared), allow_nan=False)
            assert len(tensors["train_x"]) == len(tensors["train_y"]) > 0

    fuzz("tables of data", tables(), check)


def test_fuzzed_tables_of_results(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """`alphascale fit` on a user's own CSV: it fits, or says in one line why not."""
    path = tmp_path / "runs.csv"
    options = itertools.cycle(
        [["--law", "power"], ["--law", "power_floor", "--resamples", "40"],
         ["--law", "power", "--group", "label"], ["--law", "chinchilla", "--x2", "label"],
         ["--law", "power", "--cluster", "label", "--weights", "x"], ["--law", "auto"],
         ["--law", "auto", "--skip-invalid"], ["--tested", "50", "--skip-invalid"]]
    )  # fmt: skip

    def check(content: bytes) -> None:
        path.write_bytes(content)
        chosen = next(options)
        if "--resamples" not in chosen:
            chosen = ["--resamples", "0", *chosen]
        status = main(["fit", str(path), "--x", "n", "--y", "loss", *chosen])
        said = capsys.readouterr().err
        assert status in (0, 2)
        assert status == 0 or len(said.strip().splitlines()) == 1, said

    fuzz("tables of results", tables(), check)


def ends_well(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    """A command line does what it says, or ends in one line."""
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr().err
    assert status in (0, 2)
    assert status == 0 or len(said.strip().splitlines()) == 1, said
    assert "Traceback" not in said


@pytest.fixture
def saved(tmp_path: Path) -> dict[str, Path]:
    """A table of runs, points, and fits of it: a named law, law auto, groups, N and D."""
    runs, points = tmp_path / "runs.csv", tmp_path / "points.csv"
    rows = ["params,tokens,task,loss,error,acc"]
    for i, n in enumerate((1e3, 3e3, 1e4, 3e4, 1e5)):
        for d in (1e4, 1e5, 1e6):
            y = 1.5 + 9 * n**-0.4 + 40 * d**-0.5
            rows.append(f"{n},{d},{'ab'[i % 2]},{y},{y / 9},{1 - y / 9}")
    runs.write_text("\n".join(rows) + "\n")
    points.write_text("params,tokens,task\n1e6,1e7,a\n")
    files = {"runs": runs, "points": points}
    for name, more in (
        ("power", ["--law", "power", "--resamples", "40"]), ("auto", []),
        ("both", ["--x2", "tokens"]), ("groups", ["--group", "task"]),
    ):  # fmt: skip
        files[name] = tmp_path / f"{name}.json"
        arguments = [str(runs), "--x", "params", "--y", "loss", "--out", str(files[name])]
        assert main(["fit", *arguments, *more]) == 0
    return files


def test_fuzzed_command_lines(saved, tmp_path, monkeypatch, capsys) -> None:
    """Options of every command with values of any kind."""
    monkeypatch.chdir(tmp_path)
    options = [
        "--x", "--x2", "--x3", "--y", "--law", "--group", "--cluster", "--loss", "--weights",
        "--level", "--resamples", "--seed", "--tested", "--skip-invalid", "--target", "--flops",
        "--unique", "--flops-per", "--params", "--tokens", "--for", "--json", "--batch", "--steps",
        "--min-steps", "--pf-days", "--to-params", "--by-percent", "--exponents", "--prior",
    ]  # fmt: skip
    commands = [
        ["fit", "runs.csv", "--x", "params", "--y", "loss"], ["predict", "auto.json", "points.csv"],
        *(["optimum", f"{name}.json"] for name in ("power", "auto", "both", "groups")),
        *(["calc", each] for each in ("loss", "solve", "allocate", "improvement", "steps",
                                      "critical-batch", "strategies", "compare")),
        ["regimes", "runs.csv", "--x", "params", "--x2", "tokens", "--y", "loss"],
    ]  # fmt: skip
    values = st.one_of(
        WORDS,
        st.sampled_from(["params", "tokens", "loss", "error", "acc", "task", "auto", "chinchilla",
                         "power", "auto.json", "both.json", "groups.json", "kaplan-nd", "huber"]),
        st.floats().map(repr), st.integers(-3, 10**20).map(str),
    )  # fmt: skip
    pairs = st.lists(st.tuples(st.sampled_from(options), values), max_size=4)

    def check(example: tuple) -> None:
        command, chosen = example
        flat = [f"{o}={v}" if "=" not in v and v else o for o, v in chosen]
        ends_well([*command, *flat], capsys)

    fuzz("command lines", st.tuples(st.sampled_from(commands), pairs), check)


def test_fuzzed_saved_fits(saved, tmp_path, capsys) -> None:
    """A fit that was edited, cut or overwritten answers nothing."""
    fits = {name: saved[name].read_bytes() for name in ("power", "auto", "both", "groups")}
    bad = tmp_path / "bad.json"
    commands = itertools.cycle(
        [["optimum", str(bad), "--target", "1.8"], ["predict", str(bad), str(saved["points"])],
         ["calc", "loss", "--law", str(bad), "--params", "1e5"]]
    )  # fmt: skip

    def check(example: tuple) -> None:
        name, at, byte, cut = example
        content = bytearray(fits[name])
        place = at % len(content)
        content[place : place + cut] = byte
        if json_or_none(bytes(content)) == json.loads(fits[name]):
            return
        bad.write_bytes(content)
        status = main(next(commands))
        said = capsys.readouterr().err
        assert status == 2 and len(said.strip().splitlines()) == 1 and "bad.json" in said, said

    fuzz(
        "saved fits",
        st.tuples(st.sampled_from(sorted(fits)), st.integers(0, 10**7), st.binary(max_size=8),
                  st.integers(0, 40)),
        check,
    )  # fmt: skip


def json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def test_fuzzed_files(tmp_path: Path) -> None:
    """IDX files whose heads promise anything, JSON lines, and studies as text."""
    idx, lines, study = (tmp_path / name for name in ("x-idx3-ubyte", "x.jsonl", "study.yaml"))
    head = st.tuples(
        st.sampled_from([b"\0\0\x08\x03", b"\0\0\x08\x01", b"", b"\0\0\x0d\x03"]),
        st.binary(max_size=20),
        st.lists(st.sampled_from([0, 1, 2, 2**31, 2**32 - 1]), max_size=4),
    )
    rows = st.lists(
        st.dictionaries(st.sampled_from(["text", "label", "x"]), VALUES, max_size=3)
        .map(lambda row: json.dumps(row, default=str, skipkeys=True)) | st.text(max_size=20),
        max_size=30,
    )  # fmt: skip
    texts = st.text(st.sampled_from("a:-[]{}&*!|>'\"%@`#, \n\t0\\<~?"), max_size=40)

    def check(example: tuple) -> None:
        (magic, body, sizes), objects, text = example
        idx.write_bytes(magic + b"".join(n.to_bytes(4, "big") for n in sizes) + body)
        refused_in_one_line(lambda: read_idx(idx, 3))
        lines.write_text("\n".join(objects), encoding="utf-8", errors="surrogatepass")
        data = data_spec(Data(source="text", path=str(lines), vocabulary=300), 0)
        refused_in_one_line(lambda: make.build(data, lambda line: None))
        study.write_text(text)
        refused_in_one_line(lambda: refuse_code(study))

    fuzz("other files", st.tuples(head, rows, texts), check)
