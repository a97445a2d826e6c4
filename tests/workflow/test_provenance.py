"""The code digest changes when behaviour may, and only then; records are whole or refused."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from alphascale import provenance, slices
from alphascale.config import read_study
from alphascale.errors import UserError
from alphascale.records import files as results
from alphascale.records.training import read_record
from alphascale.records.typed import as_json, digest_of
from records_made import training_record
from running import job_of
from study_made import own_study

PROGRAMS = [
    f"{name}.py"
    for name in (
        "prepare",
        "train",
        "aggregate",
        "fit_domain",
        "bootstrap",
        "optimize_domain",
        "plot",
    )
]


@pytest.fixture
def scripts(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the scripts that a test may edit, and provenance looking at it."""
    copy = tmp_path / "scripts"
    shutil.copytree(
        root / "workflow" / "scripts", copy, ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(provenance, "SCRIPTS", copy)
    anew()
    yield copy
    anew()


def anew() -> None:
    """Forget what was read: a test has edited it."""
    provenance.forget()
    provenance.code_digest.cache_clear()
    provenance._existing.cache_clear()


def digests() -> dict[str, str]:
    anew()
    return {program: provenance.code_digest(program) for program in PROGRAMS}


def stale_after(path: Path, edit) -> set[str]:
    before = digests()
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    after = digests()
    return {program for program in PROGRAMS if before[program] != after[program]}


def replaced(old: str, new: str):
    """An edit; the text to be edited has to be there."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "# a comment\n" + text,
        lambda text: text + "\n\n# another\n",
        lambda text: text.replace('"""', '"""Told otherwise. ', 1),
        lambda text: text,
        lambda text: text + "\n\ndef unused(x):\n    return run(x) + 1\n\n\nANOTHER = 1\n",
        replaced("going on from a checkpoint", "carries on from a checkpoint"),
        replaced("def _seen_before(folder: Path | None) ->", "def _seen_before(folder: object) ->"),
    ],
    ids=["comment", "comment-at-end", "docstring", "touch", "unused", "said", "annotation"],
)
def test_what_changes_no_number_changes_no_digest(scripts: Path, edit) -> None:
    assert stale_after(scripts / "alphascale" / "training" / "job.py", edit) == set()


@pytest.mark.parametrize(
    ("module", "edit", "stale"),
    [
        ("training/optimise.py", replaced("EPSILON = 0.9", "EPSILON = 0.8"), {"train.py"}),
        ("training/device.py", replaced("raise UserError(", "raise ValueError("), {"train.py"}),
        ("records/files.py", replaced("was changed after", "is not as"), set()),
        ("errors.py", lambda text: text + "\nimport math\n\nmath.pi = 3\n", set()),
        ("plots/style.py", replaced("KINDS = (", "KINDS = () + ("), {"plot.py"}),
        ("config/study.py", lambda text: text + "\nANOTHER = 1\n", set()),
        # A statement that is no definition counts for all who import its module.
        ("training/job.py", lambda text: text + "\nprint()\n", {"train.py"}),
        ("data/store.py", lambda text: text + "\nprint()\n",
         {"prepare.py", "train.py", "aggregate.py"}),
    ],
)  # fmt: skip
def test_an_edit_makes_stale_what_refers_to_it(scripts, module, edit, stale) -> None:
    assert stale_after(scripts / "alphascale" / module, edit) == stale


def small(scripts: Path, **files: str) -> str:
    """The digest of a program that calls `a.start`, with the files of a package as given."""
    package = scripts / "alphascale" / "small"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(files.pop("init", ""))
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    (scripts / "small.py").write_text(
        "from alphascale.small import a\n\ndef main():\n    return a.start()\n"
    )
    anew()
    return provenance.code_digest("small.py")


FUTURE = "from __future__ import annotations\n"
# What a program reaches: the files, and an edit of one of them that has to be seen.
REACHED = {
    "a constant of a nested helper": (
        {"a": "C = 1\ndef start():\n    def inner():\n        return C\n    return inner()"},
        ("a", "C = 1", "C = 2"),
    ),
    "a decorator": (
        {"a": "from .b import twice\n@twice\ndef start():\n    return 1",
         "b": "def twice(f):\n    return lambda: 2 * f()"},
        ("b", "2 * f", "3 * f"),
    ),
    "a default argument": (
        {"a": "from .b import D\ndef start(x=D):\n    return x", "b": "D = 1"},
        ("b", "1", "2"),
    ),
    "a base class": (
        {"a": "from .b import B\nclass A(B):\n    pass\ndef start():\n    return A().f()",
         "b": "class B:\n    def f(self):\n        return 1"},
        ("b", "return 1", "return 2"),
    ),
    "a re-export": (
        {"init": "from .b import f", "a": "from . import f\ndef start():\n    return f()",
         "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "an alias of a name": (
        {"a": "from .b import f as g\ndef start():\n    return g()", "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "an alias of a module": (
        {"a": "import alphascale.small.b as b2\ndef start():\n    return b2.f()",
         "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "an attribute of a module": (
        {"a": "from . import b\ndef start():\n    return b.C", "b": "C = 1"},
        ("b", "1", "2"),
    ),
    "a module by its package's full name": (
        {"a": "from alphascale.small import b\ndef start():\n    return b.f()",
         "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "a module of another package": (
        {"a": "from ..small import b as c\ndef start():\n    return c.f()",
         "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "an import in a function": (
        {"a": "def start():\n    from .b import f\n    return f()", "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "an entry of a table": (
        {"a": "from .b import f, g\nT = {'f': f, 'g': g}\ndef start():\n    return T['f']()",
         "b": "def f():\n    return 1\ndef g():\n    return 1"},
        ("b", "def g():\n    return 1", "def g():\n    return 2"),
    ),
    "an attribute of a class": (
        {"a": "from .b import B\ndef start():\n    return B.c", "b": "class B:\n    c = 1"},
        ("b", "1", "2"),
    ),
    "a patch by another module": (
        {"a": "from . import b, c\ndef start():\n    return b.f()",
         "b": "def f():\n    return 1", "c": "from . import b\nb.f = lambda: 1"},
        ("c", "lambda: 1", "lambda: 2"),
    ),
    "an entry put in by a statement": (
        {"a": "T = {}\ndef start():\n    return T\nT['x'] = 1"}, ("a", "= 1", "= 2"),
    ),
    "an addition to a constant": (
        {"a": "T = [1]\nT += [2]\ndef start():\n    return T"}, ("a", "[2]", "[3]"),
    ),
    "one of two names": (
        {"a": "X, Y = 1, 2\ndef start():\n    return Y"}, ("a", "1, 2", "1, 3"),
    ),
    "a registration": (
        {"a": "from .b import T, put\n@put\ndef other():\n    return 1\ndef start():\n    return T",
         "b": "T = []\ndef put(f):\n    T.append(f)"},
        ("a", "return 1", "return 2"),
    ),
    "a module by getattr": (
        {"a": "from . import b\ndef start(n='f'):\n    return getattr(b, n)()",
         "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "a star": (
        {"a": "from .b import *\ndef start():\n    return f()", "b": "def f():\n    return 1"},
        ("b", "return 1", "return 2"),
    ),
    "a name that is defined on a condition": (
        {"a": "from .b import f\ndef start():\n    return f()",
         "b": "try:\n    import torch\nexcept ImportError:\n    torch = None\n"
         "if torch:\n    def f():\n        return 1\n"},
        ("b", "return 1", "return 2"),
    ),
    "what a name is imported from": (
        {"a": "from math import sin as f\ndef start():\n    return f(1)"}, ("a", "sin", "cos"),
    ),
    "a field of a dataclass": (
        {"a": FUTURE + "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n"
         "def start():\n    return A()"},
        ("a", "x: int", "x: float"),
    ),
    "a line that says and does": (
        {"a": "def start(say=print, it=iter('ab')):\n    say(next(it))\n    return next(it)"},
        ("a", "    say(next(it))\n", ""),
    ),
    "the type of an error": (
        {"a": "def start():\n    raise ValueError('x')"}, ("a", "ValueError", "KeyError"),
    ),
    "what an error of one's own carries": (
        {"a": "class E(Exception):\n    pass\ndef start():\n    raise E(1)"}, ("a", "E(1)", "E(2)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", REACHED)
def test_no_false_freshness(scripts: Path, how: str) -> None:
    files, (name, old, new) = REACHED[how]
    before = small(scripts, **files)
    assert before == small(scripts, **files)
    assert before != small(scripts, **(files | {name: replaced(old, new)(files[name])}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("say(f'{len(x)} done')", "say(f'{len(x)} ready')"),
        ("raise ValueError('bad')", "raise ValueError(f'worse: {x}')"),
        ("def start(x: int = 1) -> int:", "def start(x: float = 1) -> float:"),
        ("other = 1", "other = 2"),
        ("def spare():\n    return 1", "def spare():\n    return 2"),
        ("description='one'", "description='another'"),
        ("if TYPE_CHECKING:\n    from .b import f", "if TYPE_CHECKING:\n    from .b import g"),
    ],
)
def test_no_false_staleness(scripts: Path, old: str, new: str) -> None:
    text = FUTURE + (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import f\nother = 1\n"
        "def spare():\n    return 1\ndef start(x: int = 1) -> int:\n    say(f'{len(x)} done')\n"
        "    if x:\n        raise ValueError('bad')\n    return Key(description='one')\n"
    )
    assert small(scripts, a=text) == small(scripts, a=replaced(old, new)(text))


@pytest.mark.parametrize(
    ("module", "edit", "changes"),
    [
        ("families/transformer.py", replaced("place=3", "place=9"), False),
        ("families/transformer.py", replaced("with a masked mean pool", "with a pool"), False),
        ("families/transformer.py", replaced("cached=6_000", "cached=6_001"), True),
        ("families/transformer.py", replaced("default=0,", "default=1,"), True),
        ("families/transformer.py", replaced("(8, 4, 2, 1)", "(4, 2, 1)"), True),
        ("families/mlp.py", replaced("cached=", "cached=1 + "), False),
        ("networks/transformer.py", replaced("10_000.0", "20_000.0"), True),
        ("networks/mlp.py", lambda text: text + "\nprint()\n", False),
    ],
)
def test_a_training_knows_the_parts_of_its_family_that_it_uses(
    scripts: Path, module: str, edit, changes: bool
) -> None:
    def digest() -> str:
        anew()
        return provenance.code_digest("train.py", *provenance.family_roots("transformer"))

    before, path = digest(), scripts / "alphascale" / module
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert (digest() != before) == changes


@pytest.mark.parametrize(
    ("given", "changes"),
    [("dict(x=f, y=g)", False), ("dict([('y', g)], x=f)", True), ("dict(x=f, **g())", True),
     ("{'x': f, 'y': g}", False), ("{'x': f, **g()}", True), ("make(f, g)", True)],
)  # fmt: skip
def test_one_part_of_an_assignment_is_told_from_the_others_where_it_can_be(
    scripts: Path, given: str, changes: bool
) -> None:
    """The digest of `T.x`, before and after an edit of what else T is made of."""

    def digest(number: int) -> str:
        text = f"def f():\n    return 1\ndef g():\n    return {number}\ndef make(*_): ...\n"
        small(scripts, a="def start():\n    return 1\n", b=f"{text}T = {given}\n")
        return provenance.code_digest("small.py", "alphascale.small.b:T.x")

    assert (digest(1) != digest(2)) == changes


def test_a_module_by_its_whole_path_counts_as_a_whole(scripts: Path) -> None:
    files = {
        "a": "import alphascale.small.b\ndef start():\n    return alphascale.small.b.f()",
        "b": "def f():\n    return 1",
    }
    before = small(scripts, **files)
    assert before != small(scripts, **files | {"b": "def f():\n    return 2"})
    # Only what is named of it: an unused definition beside it runs nothing again.
    assert before == small(scripts, **files | {"b": "def f():\n    return 1\nX = 1"})


TRACED = """
import json, runpy, sys
found = set()

def look(frame, event, argument):
    code = frame.f_code
    # Bodies of classes and modules run as well, whenever they are imported: no optimised code.
    if event == "call" and code.co_flags & 1 and "/alphascale/" in code.co_filename:
        found.add((code.co_filename, code.co_firstlineno))

program, to = sys.argv[1:3]
sys.argv[:] = [program, *sys.argv[3:]]
sys.path.insert(0, program.rpartition("/")[0])
sys.setprofile(look)
try:
    runpy.run_path(program, run_name="__main__")
finally:
    sys.setprofile(None)
    open(to, "w").write(json.dumps(sorted(found)))
"""


def test_whatever_a_training_and_a_preparation_run_is_in_their_digest(
    root: Path, tmp_path: Path
) -> None:
    """Every function of the project that is called, by Python's own account."""
    scripts = root / "workflow" / "scripts"
    study = read_study(own_study(tmp_path / "data"))
    made = {"data": tmp_path / "x.safetensors", "meta": tmp_path / "x.json"}
    section = replace(slices.data_slice(study, "table"), path=str(tmp_path / "data/people.csv"))
    spec = slices.train_slice(study, "table", "w2", "1.0")
    jobs = {
        "prepare.py": [
            job_of(section, {"files": []}, made, domain="table"), '--fractions={"table": ["1.0"]}',
        ],
        "train.py": [
            job_of(spec, made, {"record": tmp_path / "r.json"}, domain="table"), "--device=cpu",
            "--threads=1", "--jobs-per-gpu=1", f"--checkpoints={tmp_path / 'checkpoints'}",
        ],
    }  # fmt: skip
    roots = {
        "prepare.py": provenance.source_roots(section.source),
        "train.py": provenance.family_roots(spec.family),
    }
    anew()
    missed = set()
    for program, arguments in jobs.items():
        trace = tmp_path / "trace.json"
        subprocess.run(
            [sys.executable, "-c", TRACED, str(scripts / program), str(trace), *arguments],
            check=True, capture_output=True,
        )  # fmt: skip
        reached = provenance.reached(program, *roots[program])
        called = 0
        for name, line in json.loads(trace.read_text()):
            file = Path(name).relative_to(scripts).as_posix()
            symbol = symbol_at(Path(name), line)
            if symbol is None or file.split("/")[1].removesuffix(".py") in provenance.SILENT:
                continue
            called += 1
            if not {(file, symbol), (file, "*")} & reached:
                missed.add((file, symbol))
        assert called > 20
    # To import the configuration is to list the names of all sources, which it then allows: what a
    # job's source gives is in the job's slice and in its data.
    # What a target may be is listed there too, and no training knows its target.
    named = {
        ("sources/__init__.py", "sources"), ("sources/descriptor.py", "Source"),
        ("metrics.py", "_metric"), ("config/training.py", "described"),
    }  # fmt: skip
    assert missed <= {(f"alphascale/{file}", symbol) for file, symbol in named}


def symbol_at(path: Path, line: int) -> str | None:
    """The function or class at the top level of a file that a line of it lies in."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        if first <= line <= node.end_lineno and hasattr(node, "name"):
            return node.name
    return None


def test_only_the_listed_modules_import_by_a_name_that_no_source_shows(root: Path) -> None:
    package = root / "workflow" / "scripts" / "alphascale"
    for path in package.rglob("*.py"):
        place = path.relative_to(package).with_suffix("").as_posix()
        if any(word in path.read_text() for word in ("import_module(", "__import__(")):
            # What `import alphascale` offers a notebook, and commands: no rule takes it from there.
            known = (*provenance.DYNAMIC, "cli", "__init__")
            assert place in known, f"{place}: see provenance.DYNAMIC"


def test_every_family_and_source_has_roots(root: Path) -> None:
    package = root / "workflow" / "scripts" / "alphascale"
    for folder, variable, roots in (
        ("families", "FAMILY", provenance.family_roots),
        ("sources", "SOURCE", provenance.source_roots),
    ):
        for path in (package / folder).glob("*.py"):
            if f"\n{variable} = " in path.read_text():
                name = getattr(import_module(f"alphascale.{folder}.{path.stem}"), variable).name
                assert roots(name), f"{path}: its name has to be a plain text"


def test_record_of_another_spec_code_or_schema_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = training_record("w8", [])
    good, spec = as_json(record), digest_of(record.spec)
    results.write_sealed(path, good)
    assert read_record(path, spec, "code") == record
    for change, words in (
        ({"spec": {**good["spec"], "scale": "w9"}}, "another configuration"),
        ({"code": "coda"}, "other code"),
        ({"schema": 0}, "not a record of schema"),
    ):
        results.write_sealed(path, good | change)
        with pytest.raises(UserError, match=words) as fault:
            read_record(path, spec, "code")
        assert str(path) in str(fault.value)
    path.write_text(path.read_text()[:40])
    with pytest.raises(UserError, match="not valid JSON"):
        read_record(path, spec, "code")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    results.write_json(path, {"loss": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        results.write_json(path, {"loss": float("nan")})
    with pytest.raises(KeyboardInterrupt), results.replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert results.read_json(path) == {"loss": 1.0}
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_what_a_killed_program_left_is_removed_later_and_a_live_one_is_left_alone(
    tmp_path: Path,
) -> None:
    left, live = tmp_path / ".record.json.a1b2c3d4", tmp_path / ".record.json.e5f6a7b8"
    other = tmp_path / ".other.json.a1b2c3d4"
    for path in (left, live, other):
        path.write_text("half")
    for path in (left, other):
        os.utime(path, (0, 0))
    results.write_json(tmp_path / "record.json", {})
    assert {p.name for p in tmp_path.iterdir()} == {"record.json", live.name, other.name}


def test_a_sealed_file_tells_any_edit(tmp_path: Path) -> None:
    path, value = tmp_path / "record.json", {"loss": 0.1, "names": ["ü", "\ud800"], "none": None}
    results.write_sealed(path, value)
    assert results.read_sealed(path) == value
    for edit in ({"loss": 0.2}, {"more": 1}, {results.SEAL: "0" * 64}, {"loss": float("inf")}):
        path.write_text(json.dumps(value | {results.SEAL: results.seal(value)} | edit))
        with pytest.raises(UserError, match="was changed after it was written"):
            results.read_sealed(path)
    for text in ("{}", "[]", "1", "null"):
        path.write_text(text)
        with pytest.raises(UserError, match="holds no content_sha256"):
            results.read_sealed(path)


FAULTY = """
import errno, sys
from alphascale.running import program

def main(job):
    raise {fault}

program.run(main)
"""


@pytest.mark.parametrize(
    ("fault", "status", "words", "traced"),
    [
        ("ValueError('two\\nlines')", 1, ["unexpected ValueError: two", "x.log"], True),
        ("MemoryError()", 2, ["out of memory", "batch_size"], False),
        ("RuntimeError('[enforce] can\\'t allocate memory: 9 GB')", 2, ["out of memory"], False),
        ("OSError(errno.ENOSPC, 'No space left', 'a/b')", 2, ["a/b: No space left", "free"], False),
    ],
)
def test_whatever_ends_a_program_is_one_line(root, tmp_path, fault, status, words, traced) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY.format(fault=fault))
    log, faults = tmp_path / "x.log", tmp_path / "faults.txt"
    done = subprocess.run(
        [sys.executable, "faulty.py", job_of(None, {}, {"out": "results/x.json"}),
         f"--log={log}", f"--faults={faults}"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root / "workflow/scripts")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: results/x.json: ") and all(word in line for word in words)
    assert faults.read_text() == done.stderr
    assert ("Traceback" in log.read_text()) == traced


def test_key_order_is_not_part_of_a_digest() -> None:
    assert results.digest({"a": 1, "b": [2, 3]}) == results.digest({"b": [2, 3], "a": 1})
    assert results.digest({"b": [3, 2]}) != results.digest({"b": [2, 3]})


def test_own_models_count_with_their_own_files(tmp_path: Path, monkeypatch) -> None:
    """A helper, a helper's helper and a package of the user's; not a module that is installed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkg").mkdir()
    files = {
        "nets.py": "import torch\nimport layers\nfrom pkg import parts\n",
        "layers.py": "from slopes import SLOPE\n",
        "slopes.py": "SLOPE = 0.01\n",
        "pkg/__init__.py": "",
        "pkg/parts.py": "from . import more\n",
        "pkg/more.py": "WIDTH = 1\n",
        "other.py": "X = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def digest() -> str:
        provenance.file_digest.cache_clear()
        return provenance.file_digest(tmp_path / "nets.py")

    before = digest()
    for name in files:
        path = tmp_path / name
        path.write_text(files[name] + "# said otherwise\n")
        assert digest() == before
        path.write_text(files[name] + "ANOTHER = 2\n")
        assert (digest() == before) == (name == "other.py"), name
        path.write_text(files[name])


def test_a_training_of_an_own_model_knows_its_file_and_no_other_does(tmp_path, monkeypatch) -> None:
    """What Snakemake compares is the slice: an edited model changes those of its domain alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_nets.py").write_text("import own_layers\ndef make(meta, width): ...\n")
    helper = tmp_path / "own_layers.py"
    helper.write_text("SLOPE = 1\n")
    study = own_study(tmp_path / "data")
    study["domains"]["table"] |= {"family": "own_nets:make"}
    read = read_study(study)

    def slices_of() -> dict:
        provenance.file_digest.cache_clear()
        return {
            domain: slices.train_slice(read, domain, next(iter(read.domains[domain].ladder)), "1.0")
            for domain in read.domains
        }

    before = slices_of()
    helper.write_text("SLOPE = 1  # said otherwise\n")
    assert slices_of() == before
    helper.write_text("SLOPE = 2\n")
    after = slices_of()
    assert {domain for domain in before if before[domain] != after[domain]} == {"table"}
    verified = slices.verify_spec(read, "table")
    assert verified.factory_code == after["table"].factory_code is not None
