"""Make plausible mistakes in the package, one at a time, and see whether a test notices.

    make mutants                                 150 mistakes, seed 0: an hour or two on one core
    python tests/mutants/mutants.py --count 40 --seed 3 --rooms laws fitting

A seeded sample of places, as many of each room; at each one change (changes.py). The package is
changed in a copy, never here. A mistake is tried on the tests that call the function it stands in
(calls.py finds them once, by running the suite), quickest file first, until one fails, and then on
some that call its module. What no test calls in its own process is tried on those that start the
workflow (OUTSIDE). A test that takes too long has noticed.

What it prints is a table of caught and survived by room, and every survivor as two lines of a diff.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from changes import MODULE, Mutant, mutant, places

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("workflow/scripts/alphascale")
ROOMS = ("laws", "deciding", "training", "families", "sources", "provenance.py", "fitting")
KEPT = ROOT / "results" / "mutants"
LEFT = (".git", "results", ".venv", "downloads", "__pycache__", ".*_cache", ".hypothesis")
# Tests that start processes and see nothing of them: only for what nothing else calls.
OUTSIDE = ("tests/workflow/test_workflow.py", "tests/workflow/test_staleness.py")
NOT_TRACED = (
    *OUTSIDE, "tests/workflow/test_slurm.py", "tests/workflow/test_installing.py",
    "tests/workflow/test_faults_workflow.py", "tests/workflow/test_dropped_in.py",
    "tests/workflow/test_security.py", "tests/workflow/test_documents.py",
    "tests/running/test_faults.py",
)  # fmt: skip
# Seconds of tests for one mistake, as they took when they were traced: of those that call the
# function, and of those that call its module besides.
MOST_SECONDS, MOST_FURTHER = 60.0, 20.0
START = 20.0  # seconds that a process of pytest may take to begin
CAUGHT, SLOW, SURVIVED = "caught", "caught by time", "survived"


@dataclass(frozen=True)
class Outcome:
    """What became of one mistake."""

    room: str
    mutant: Mutant
    word: str
    by: str  # the test that failed, or how many were run
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=150, help="mistakes, over all rooms (150)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (0)")
    parser.add_argument("--rooms", nargs="+", default=list(ROOMS), help=" ".join(ROOMS))
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no mistake after these")
    asked = parser.parse_args()
    calls = traced()
    outcomes: list[Outcome] = []
    ends = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT))
        try:
            for i, (room, each) in enumerate(sample(asked.rooms, asked.count, asked.seed), 1):
                if time.monotonic() > ends:
                    break
                found = judged(room, each, i, copy, calls)
                outcomes.append(found)
                where = f"{found.mutant.file}:{found.mutant.line}"
                print(f"{i:4} {found.word:14} {found.seconds:4.0f} s  {where}  {found.by}")
                sys.stdout.flush()
        except KeyboardInterrupt:
            print("interrupted")
    report(outcomes, asked)


def sample(rooms: list[str], count: int, seed: int) -> Iterator[tuple[str, Mutant]]:
    """Mistakes, room after room in turn: the first of a larger sample are those of a smaller."""
    drawn = {room: _of_room(room, seed) for room in rooms}
    given = 0
    while drawn and given < count:
        for room in list(drawn):
            if given == count:
                break
            each = next(drawn[room], None)
            if each is None:
                del drawn[room]
            else:
                given += 1
                yield room, each


def _of_room(room: str, seed: int) -> Iterator[Mutant]:
    base = ROOT / PACKAGE
    files = sorted((base / room).rglob("*.py")) if (base / room).is_dir() else [base / room]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    every = [(file, place) for file in files for place in places(ast.parse(texts[file]))]
    if not every:
        raise SystemExit(f"--rooms: {room} is no folder or file of {PACKAGE} that has code")
    rng = random.Random(f"{seed}/{room}")
    rng.shuffle(every)
    for file, place in every:
        made = mutant(file.relative_to(base).as_posix(), texts[file], place, rng)
        if made is not None:
            yield made


def judged(room: str, each: Mutant, number: int, copy: Path, calls: dict) -> Outcome:
    """Write the mistake into the copy, run what covers it, put the file back."""
    tests, seconds = covering(each, calls)
    limit = START + 4 * seconds if tests else 600.0
    path = copy / PACKAGE / each.file
    before = path.read_text(encoding="utf-8")
    began = time.monotonic()
    try:
        path.write_text(each.source, encoding="utf-8")
        # Bytecode is told from older by the second: two mistakes of one second must differ.
        os.utime(path, (number, number))
        word, by = run(tests or list(OUTSIDE), copy, limit)
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, (10**6 + number, 10**6 + number))
    return Outcome(room, each, word, by, time.monotonic() - began)


def covering(each: Mutant, calls: dict) -> tuple[list[str], float]:
    """Tests that may notice, and their seconds: those that call what the mistake stands in, then
    some that call anything of its module, since what is kept in a cache is called once. Of a module
    that none calls (it may have done its work when it was imported), those of its folder."""
    chosen: dict[str, float] = {}
    if each.scope != MODULE:
        _add(chosen, calls, lambda call: call == f"{each.file}:{each.scope}", MOST_SECONDS)
    most = MOST_FURTHER if chosen else MOST_SECONDS
    _add(chosen, calls, lambda call: call.startswith(f"{each.file}:"), most)
    if not chosen and "/" in each.file:
        folder = each.file.split("/")[0]
        _add(chosen, calls, lambda call: call.startswith(f"{folder}/"), MOST_SECONDS)
    return list(chosen), sum(chosen.values())


def _add(chosen: dict[str, float], calls: dict, wanted: Callable[[str], bool], most: float) -> None:
    """The tests that call what is wanted, the quickest file first, for at most so many seconds."""
    files: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for name, test in calls.items():
        if name not in chosen and any(map(wanted, test["calls"])):
            files[name.split("::")[0]].append((test["seconds"], name))
    total = 0.0
    for file in sorted(files, key=lambda file: sum(seconds for seconds, _ in files[file])):
        for seconds, name in sorted(files[file]):
            if not total or total + seconds <= most:
                chosen[name] = seconds
                total += seconds


def run(tests: list[str], copy: Path, limit: float) -> tuple[str, str]:
    """Whether one of the tests fails, and which."""
    listed = copy.parent / "tests.txt"
    listed.write_text("\n".join(tests), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-rfE", "--no-header", "--tb=no",
         "-p", "no:cacheprovider", f"--basetemp={copy.parent / 'tmp'}", f"@{listed}"],
        cwd=copy, env=environment(copy), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return SLOW, f"after {limit:.0f} s"
    if process.returncode == 0:
        return SURVIVED, f"{len(tests)} tests"
    if "ERROR: not found:" in said and "errors during collection" not in said:
        raise SystemExit(f"the list of tests is of other tests than these: remove {KEPT}\n{said}")
    failed = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return CAUGHT, failed[0].split(" ")[1].split("/")[-1][:70] if failed else "import"


def environment(copy: Path) -> dict[str, str]:
    """Of a process that finds the copy's package and tests before any other."""
    shared = os.environ.get("ALPHASCALE_SHARED", str(ROOT.parent / "shared"))
    folders = ("workflow/scripts", "tests", "tests/mutants")
    path = os.pathsep.join(str(copy / folder) for folder in folders)
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "ALPHASCALE_SHARED": shared}


def traced() -> dict:
    """Test → its seconds and what it calls; found once for a state of package and tests."""
    digest = hashlib.sha256()
    for path in sorted([*(ROOT / PACKAGE).rglob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    kept = KEPT / f"calls-{digest.hexdigest()[:16]}.json"
    if not kept.exists():
        print("what do the tests call? some minutes, once", flush=True)
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "calls", f"--calls={kept}", "-n", "0",
             "-q", "-p", "no:cacheprovider", *(f"--ignore={file}" for file in NOT_TRACED), "tests"],
            cwd=ROOT, env=environment(ROOT), stdout=subprocess.DEVNULL,
        )  # fmt: skip
    if not kept.exists():
        raise SystemExit("the tests could not be run: try `make test`")
    tests = json.loads(kept.read_text(encoding="utf-8"))
    return {name: test | {"calls": set(test["calls"])} for name, test in tests.items()}


def report(outcomes: list[Outcome], asked: argparse.Namespace) -> None:
    """The table and the survivors, as Markdown."""
    print(f"\nSeed {asked.seed}, {len(outcomes)} mistakes of {asked.count} asked for.\n")
    print(
        "| room | mistakes | caught | caught by time | survived |\n| --- | --- | --- | --- | --- |"
    )
    for room in [*dict.fromkeys(each.room for each in outcomes), "all"]:
        words = Counter(each.word for each in outcomes if room in (each.room, "all"))
        row = [sum(words.values()), words[CAUGHT], words[SLOW], words[SURVIVED]]
        print(f"| {room} | {' | '.join(map(str, row))} |")
    for each in outcomes:
        if each.word == SURVIVED:
            made = each.mutant
            print(f"\n{made.file}:{made.line} ({made.scope}; {each.by})")
            print(f"-  {made.before}\n+  {made.after}")


if __name__ == "__main__":
    main()
