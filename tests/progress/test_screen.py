"""What a person sees of a real run: plain lines in a pipe, live ones at a terminal."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from alphascale.progress.screen import Plain
from alphascale.progress.sizes import works
from alphascale.study import load_study
from progress_events import event
from running import ENV, edited, own_study_of, snakemake
from study_made import copy_project, own_study, write_study

TOO_WIDE = 1_000_000  # of an MLP: its weights fit into no memory


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one domain, of which nothing has run."""
    folder = copy_project(root, tmp_path_factory.mktemp("progress") / "project")
    study = own_study(folder / "data")
    table = study["domains"]["table"] | {"fractions": ["1.0"], "seeds": [0]}
    write_study(folder, study | {"domains": {"table": table}})
    return folder


def record_of(scale: str) -> str:
    return f"results/own/train/table/{scale}/1.0.json"


def at_terminal(folder: Path, *options: str) -> tuple[int, str]:
    """Status and all that a terminal was sent by a run."""
    return in_terminal(folder, 120, "-m", "snakemake", "--cores", "2", *options)


def in_terminal(folder: Path, columns: int, *words: str) -> tuple[int, str]:
    """Status and all that a terminal of so many columns was sent by a Python."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {key: value for key, value in ENV.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=folder, env=env | {"TERM": "xterm-256color"}, stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the last that held the other end has gone
            break
        if not part:
            break
        said += part
    os.close(ours)
    return process.wait(timeout=60), said.decode("utf-8")


def left_over(said: str) -> list[str]:
    """The lines that stand at the end, what was drawn and wiped away taken out."""
    lines = [""]
    for piece in re.split(r"(\x1b\[[\d;?]*[A-Za-z]|\r?\n|\r)", said):
        if piece == "\x1b[2K":
            lines[-1] = ""
        elif piece == "\x1b[1A":
            lines.pop()
        elif piece.endswith("\n"):
            lines.append("")
        elif not piece.startswith("\x1b") and piece != "\r":
            lines[-1] += piece
    return lines


def log_of_snakemake(folder: Path) -> str:
    return max((folder / ".snakemake/log").iterdir(), key=os.path.getmtime).read_text()


def test_a_pipe_gets_a_line_when_a_job_starts_and_one_when_it_ends(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = snakemake(project, record_of("w2"))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr and "Reason" not in done.stderr
    text = done.stderr[done.stderr.index("what will run") :]
    assert re.fullmatch(
        r"what will run \(results/own\)\n"
        r"  not there yet: 1 training and 1 other job\n"
        r"what will be trained\n"
        r"  size +jobs +parameters +FLOPs +time +energy +money\n"
        r"  table w2 +1 +~\S+ +\? +\? +\? +\?\n"
        r"  all +1 +\? +\? +\? +\?\n"
        r"(  [^\n]+\n)+"
        r"Job 1: prepare the data of table\n"
        r"(\[prepare table\] +[\d.]+ s  note: [^\n]+\n)*"
        # Known once the data are there: before anything trains.
        r"(what will be trained\n(  [^\n]+\n)+"
        r"|done: prepare the data of table \([\d.]+ s\); 1 of 2 jobs\n){2}"
        r"Job 0: train table w2 on 1.0 of the data\n"
        r"done: train table w2 on 1.0 \([\d.]+ s, validation loss [\d.]+\); 2 of 2 jobs\n",
        text,
    ), text
    assert re.search(r"  table w2 +1 +~\S+( k)? +~[\d.]+ \wFLOP", text), text
    # Nothing is lost: all of it is in the logs.
    full = log_of_snakemake(project)
    assert "Reason: Missing output files" in full and "what will be trained" in full
    log = (project / "results/own/logs/train/table/w2/1.0.log").read_text()
    prepared = (project / "results/own/logs/prepare/table.log").read_text()
    assert "reading csv" in prepared and log.count("error") == 0
    # What a record has counted is exact from then on.
    monkeypatch.chdir(project)
    found = works(
        load_study(own_study_of(project)),
        "results/own",
        [("table", "w2", "1.0"), ("table", "w4", "1.0")],
    )
    record = json.loads((project / record_of("w2")).read_text())
    exact, about = found["table", "w2", "1.0"], found["table", "w4", "1.0"]
    assert not exact.about and exact.params == record["params"]["total"]
    assert exact.flops == record["flops"]["job"] and exact.steps == record["steps"]
    assert about.about and exact.params < about.params < 10 * exact.params


def test_a_terminal_gets_live_lines_and_is_left_as_it_was(project: Path) -> None:
    def longer(study: dict) -> None:
        study["domains"]["table"]["training"]["epochs"] = 400

    with edited(project, longer):
        status, said = at_terminal(project, record_of("w4"))
    assert status == 0, said
    assert re.search(r"table w4 on 1\.0 +epoch \d+/400 +loss [\d.]+", said), said
    assert re.search(r"[\d.]+ of [\d.]+ \wFLOP, 0 of 1 trainings, 0 of 1 jobs", said), said
    # The cursor is there, also for whoever is killed: shown at once, not only at the end.
    assert said.index("\x1b[?25h") < said.index("0 of 1 trainings") < said.rindex("\x1b[?25h")
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
    lines = [line for line in left_over(said) if line.strip()]
    assert not any("trainings, " in line or "epoch" in line for line in lines), lines
    assert "what will run (results/own)" in lines and not any("Job " in line for line in lines)
    # What a job says does not break into what is drawn.
    assert "[train table]" not in said
    assert "epoch" in (project / "results/own/logs/train/table/w4/1.0.log").read_text()


DRAWN = """
import sys, time
from alphascale.progress.pace import Pace
from alphascale.progress.run import PLANNED
from alphascale.progress.screen import Terminal
from alphascale.progress.sizes import Work
from progress_events import event

log = sys.argv[1]
with open(log, "w") as stream:
    stream.write("earlier\\n")
screen = Terminal(sys.stderr, lambda record: record.msg, False, False)
cells = {("households", f"w{i}", "0.25"): Work(4, 1, 30.2e9, 5, True) for i in range(10, 50)}
paces = {"households": Pace(0.0, 1e9, 1.0, "so")}
screen.take(event("run_info", stats={"train": 40, "total": 140}))
screen.take(event(PLANNED, works=cells, paces=paces, folder="nowhere", gathers=["all"], msg=""))
for number, (cell, begun) in enumerate(zip(cells, (True, True, True))):
    named = dict(zip(("domain", "scale", "fraction"), cell))
    told = {"rule_name": "train", "rule_msg": "m", "wildcards": named, "log": [log]}
    screen.take(event("job_info", jobid=number, **told))
    screen.take(event("job_started", jobs=[number]))
    if number == 0:
        screen.run.clock = lambda: time.monotonic() + 300
        screen.take(event("job_finished", job_id=number))
        screen.take(event("progress", done=1, total=140))
with open(log, "a") as stream:
    stream.write("[train households]    9.1 s  households/w11/0.25: runs 1–4 of 8, ")
    stream.write("epoch 12/400, validation loss 0.4123\\n")
time.sleep(1.2)
screen.end()
"""


@pytest.mark.parametrize(
    ("columns", "words"),
    [(120, "trainings, 1 of 139 jobs, ab"), (80, "of 40 trainings, about"), (60, "FLOP, about")],
)
def test_what_is_drawn_fits_the_terminal(
    root: Path, tmp_path: Path, columns: int, words: str
) -> None:
    """A line each for the bar and the two trainings: none is broken in two."""
    (tmp_path / "drawn.py").write_text(DRAWN)
    shutil.copy2(root / "tests/progress_events.py", tmp_path)
    status, said = in_terminal(tmp_path, columns, "drawn.py", "log")
    assert status == 0, said
    drawn = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", said).replace("\r", "\n").splitlines()
    bars = [line for line in drawn if "FLOP" in line]
    assert bars and all(line[0] in "━╸" for line in bars), drawn
    assert any(words in line and line.rstrip().endswith(" left") for line in bars), bars
    assert max(map(len, drawn)) <= columns, drawn
    jobs = [line for line in drawn if " epoch 12/400" in line]
    assert jobs and all(re.match(r"households w1\d on 0\.25 ", line) for line in jobs), jobs
    assert all(("loss 0.4123" in line) == (columns == 120) for line in jobs), jobs
    assert any(line.rstrip().endswith(" left") for line in jobs), jobs
    # All that is drawn are whole lines of either kind.
    assert not [line for line in drawn if line.startswith("   ") and line.strip()], drawn


def test_a_dry_run_at_a_terminal_says_why_and_what_it_costs(project: Path) -> None:
    status, said = at_terminal(project, "-n", record_of("w6"))
    assert status == 0 and "\x1b[1A" not in said and "Job stats" not in said
    assert "not there yet: 1 training" in said and re.search(r"table w6 +1 +~[\d.]+", said)
    assert '"spec"' not in said and "train table w6 on 1.0" not in said


def test_a_failure_is_one_line_said_once(project: Path) -> None:
    def too_wide(study: dict) -> None:
        study["domains"]["table"]["ladder"]["w8"] = {"width": TOO_WIDE}

    with edited(project, too_wide):
        done = snakemake(project, record_of("w8"))
        status, said = at_terminal(project, record_of("w8"))
    assert done.returncode == status == 1
    for text in (done.stderr, "\n".join(left_over(said))):
        lines = [line for line in text.splitlines() if line.strip()]
        assert lines[-1].startswith(f"error: {record_of('w8')}: out of memory")
        assert text.count("error:") == 1 and text.lower().count("out of memory") == 1
        told = "failed: train table w8 on 1.0 of the data (log: results/own/logs/train/table/w8/1.0"
        assert sum(line.startswith(told) for line in lines) == 1
        for noise in ("RuleException", "CalledProcess", "WorkflowError", "jobid", "Traceback"):
            assert noise not in text
    assert "CalledProcessError" in log_of_snakemake(project)
    assert "out of memory" in (project / "results/own/logs/train/table/w8/1.0.log").read_text()


def test_all_that_snakemake_says_is_there_for_the_asking(project: Path) -> None:
    done = snakemake(project, "-n", "--verbose", record_of("w12"))
    assert done.returncode == 0 and "Reason: Missing output files" in done.stdout
    assert "Job stats" in done.stdout and "what will run" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dag", "dot", "--", record_of("w12")), "digraph snakemake_dag"),
        (("-n", "-q", "--", record_of("w12")), "not there yet: 1 training"),
    ],
)  # fmt: skip
def test_what_else_snakemake_is_asked_for_comes_as_it_did(
    project: Path, options: tuple, said: str
) -> None:
    done = snakemake(project, *options)
    assert "Traceback" not in done.stderr + done.stdout
    assert said in done.stdout and "cannot be used" not in done.stderr
    if options[0] == "--dag":
        assert done.stdout.startswith("digraph") and done.stdout.rstrip().endswith("}")


def test_without_the_plugin_the_run_goes_on_in_snakemakes_way(project: Path, root: Path) -> None:
    plugin = project / "workflow/scripts/snakemake_logger_plugin_alphascale/__init__.py"
    before = plugin.read_text()
    # In place of an absent one: that of another clone may be installed as well.
    plugin.write_text("raise ModuleNotFoundError('no such plugin')\n")
    env = {key: value for key, value in ENV.items() if key != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", "-n", record_of("w12")],
            cwd=project, env=env, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        plugin.write_text(before)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot be used: ModuleNotFoundError") == 1
    assert "Reason: Missing output files" in done.stdout and "what will run" in done.stdout


def test_a_clusters_account_of_a_failure_is_kept() -> None:
    """As the SLURM executor gives it: TIMEOUT is no fault of the program, which said nothing."""
    stream = io.StringIO()
    screen = Plain(stream, lambda record: record.msg, dry=False)
    named = {"domain": "table", "scale": "w8", "fraction": "1.0"}
    common = {"jobid": 3, "rule_name": "train", "log": ["results/own/logs/w8.log"]}
    screen.take(event("job_info", rule_msg="train w8", wildcards=named, **common))
    screen.take(event("job_started", jobs=[3]))
    screen.take(event("job_error", rule_msg="SLURM-job '17' failed,\n  is: 'TIMEOUT'", **common))
    assert stream.getvalue().splitlines() == [
        "Job 3: train w8",
        "failed: train w8: SLURM-job '17' failed, is: 'TIMEOUT' (log: results/own/logs/w8.log)",
    ]


def test_a_pipe_that_is_closed_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    screen = Plain(os.fdopen(write, "w"), lambda record: record.msg, dry=True)
    for _ in range(2):
        screen.write("more than `head` wanted")
    assert screen.stream is None


def test_nothing_to_be_done_ends_with_the_summary(finished: Path) -> None:
    done = snakemake(finished)
    assert done.returncode == 0 and "Nothing to be done" in done.stderr
    assert (finished / "results/own/summary.txt").read_text() in done.stdout
    assert "Nothing to be done" in snakemake(finished, "-n").stdout
