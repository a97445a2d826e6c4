"""Faults, injected for real into real processes: after each, running again ends with the results of
an undisturbed run, nothing is lost and nothing invented, and a line names the cause.

Here, single programs: one cell is prepared and trained. Whole workflows: test_faults_workflow.py.
Moments are drawn from a fixed seed, as shares of the time that an undisturbed training takes.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from alphascale.config import read_study
from alphascale.provenance import code_digest
from alphascale.records.decision import LadderRange, Price, PricedRun
from alphascale.records.files import SEAL, read_sealed, write_sealed
from alphascale.records.fit import Estimate
from alphascale.records.outputs import outputs_path
from alphascale.records.specs import Target
from alphascale.records.typed import as_json, digest_of, write
from alphascale.slices import aggregate_slice, data_slice, train_slice, verify_slice
from records_made import decision_made
from running import fill, job_of, small_disk
from study_made import write_table

MEASURED = ("time", "energy", "peak_memory_bytes")
SECONDS = "ALPHASCALE_CHECKPOINT_SECONDS"
CODE = code_digest("train.py")


def study(csv: Path, **training) -> dict:
    """A ladder of five, of which the tests train one size: dropout, two rates, two seeds."""
    training = {"epochs": 40, "batch_size": 16, "learning_rates": [3e-3, 1e-2]} | training
    return {
        "run": "own",
        "device": "cpu",
        "domains": {
            "table": {
                "data": {"source": "csv", "path": str(csv), "label": "kind", "drop": ["id"]},
                "family": "mlp",
                "ladder": {f"w{w}": {"width": w, "dropout": 0.1} for w in (4, 6, 8, 12, 16)},
                "seeds": [0, 1],
                "training": training,
                "target": {"accuracy": 0.8},
            }
        },
    }


class Cell:
    """One training job in a folder of its own, run as its rule runs it."""

    def __init__(self, root: Path, folder: Path, **training):
        self.scripts, self.folder = root / "workflow" / "scripts", folder
        self.csv = folder / "people.csv"
        self.study = read_study(study(self.csv, **training))
        self.spec = train_slice(self.study, "table", "w8", "1.0")
        self.data, self.meta = folder / "data.safetensors", folder / "data.json"
        self.out, self.checkpoints = folder / "w8.json", folder / "checkpoints"
        self.log, self.faults = folder / "w8.log", folder / "faults.txt"

    @property
    def state(self) -> Path:
        return self.checkpoints / f"{digest_of(self.spec)}-{CODE[:16]}" / "state.pt"

    def start(self, program: str, *options: str, wrapper=(), every: float = 20.0, **more):
        command = [
            *wrapper, sys.executable, str(self.scripts / program), f"--log={self.log}",
            f"--faults={self.faults}", *options,
        ]  # fmt: skip
        env = os.environ | {SECONDS: str(every)}
        return subprocess.Popen(
            command, cwd=self.folder, env=env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, **more,
        )  # fmt: skip

    def prepare_process(self) -> subprocess.Popen:
        made = {"data": self.data, "meta": self.meta}
        job = job_of(data_slice(self.study, "table"), {"files": []}, made, domain="table")
        return self.start("prepare.py", job, '--fractions={"table": ["1.0"]}')

    def prepare(self) -> tuple[int, str]:
        return ended(self.prepare_process())

    def train(self, out: Path | None = None, **more) -> subprocess.Popen:
        out = out or self.out
        with suppress(OSError):
            out.unlink()  # or it would be kept
        files = {"data": self.data, "meta": self.meta}
        job = job_of(self.spec, files, {"record": out}, CODE, domain="table")
        return self.start("train.py", job, *self.options, **more)

    @property
    def options(self) -> list[str]:
        """What a training is told beside its job."""
        places = [f"--checkpoints={self.checkpoints}", "--device=cpu"]
        return [*places, "--threads=1", "--jobs-per-gpu=1"]

    def lasting(self, out: Path | None = None) -> dict:
        """The record without what differs between two equal runs."""
        record = read_sealed(out or self.out)
        return {key: value for key, value in record.items() if key not in MEASURED}

    def trains_to(self, undisturbed: dict, out: Path | None = None) -> str:
        """Run again, compare, and give what was said."""
        status, said = ended(self.train(out))
        assert status == 0, said
        assert self.lasting(out) == undisturbed
        assert not self.state.parent.exists()
        return said


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """Exit status and all that was said."""
    said, _ = process.communicate(timeout=120)
    assert "Traceback" not in said
    return process.returncode, said


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def undisturbed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Cell, dict, float]:
    """A prepared cell, the record of its undisturbed training, and the seconds that took."""
    cell = Cell(root, tmp_path_factory.mktemp("cell"))
    write_table(cell.csv)
    assert cell.prepare()[0] == 0
    began = time.monotonic()
    status, said = ended(cell.train())
    assert status == 0, said
    return cell, cell.lasting(), time.monotonic() - began


@pytest.fixture
def cell(root: Path, undisturbed, tmp_path: Path) -> Cell:
    """The prepared cell, not yet trained, in a folder that a test may spoil."""
    first = undisturbed[0]
    cell = Cell(root, tmp_path)
    cell.study, cell.spec = first.study, first.spec  # the path of the table is the first one's
    for name in ("data", "meta"):
        shutil.copy2(getattr(first, name), getattr(cell, name))
    return cell


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("draw", range(2))
def test_killed_at_any_moment(cell: Cell, undisturbed, draw: int) -> None:
    """From the start of the interpreter to the last rename, no warning given."""
    _, record, seconds = undisturbed
    process = cell.train(every=0.05)
    time.sleep(seconds * random.Random(draw).random())
    process.kill()
    process.communicate()
    cell.trains_to(record)


@pytest.mark.parametrize("draw", [0, *(pytest.param(d, marks=pytest.mark.slow) for d in (1, 2))])
def test_killed_in_training(cell: Cell, undisturbed, draw: int) -> None:
    process = cell.train(every=0.02)
    wait_for(cell.state, process)
    time.sleep(0.3 * random.Random(draw).random())
    process.kill()
    process.communicate()
    assert not cell.out.exists()
    assert "going on from a checkpoint" in cell.trains_to(undisturbed[1])


@pytest.mark.parametrize(
    ("draw", "signals"),
    [
        (0, ["SIGTERM"]),
        pytest.param(1, ["SIGTERM", "SIGTERM"], marks=pytest.mark.slow),
        pytest.param(2, ["SIGINT"], marks=pytest.mark.slow),
        pytest.param(3, ["SIGTERM"], marks=pytest.mark.slow),
    ],
)
def test_asked_to_end_it_saves_and_says_so(
    cell: Cell, undisturbed, draw: int, signals: list[str]
) -> None:
    """By a scheduler's time limit, a preemption, a person: no step that was taken is lost."""
    process = cell.train(every=0.02)
    wait_for(cell.state, process)
    time.sleep(0.2 * random.Random(draw).random())
    before = cell.state.stat().st_mtime_ns
    for name in signals:
        process.send_signal(getattr(signal, name))
    status, said = ended(process)
    assert status == 128 + getattr(signal, signals[0])
    line = last_line(said)
    assert f"{cell.out}: ended by {signals[0]}" in line and "its state at runs 1" in line
    assert "is saved; run snakemake again to go on" in line
    assert line in cell.faults.read_text() and line in cell.log.read_text()
    assert cell.state.stat().st_mtime_ns > before
    assert "going on from a checkpoint" in cell.trains_to(undisturbed[1])


@pytest.mark.slow
def test_asked_to_end_before_there_is_anything_to_save(cell: Cell, undisturbed) -> None:
    process = cell.train()
    wait_for(cell.log, process)
    process.terminate()
    status, said = ended(process)
    assert status == 128 + signal.SIGTERM
    assert "ended by SIGTERM before it was done; nothing half-made is left" in last_line(said)
    cell.trains_to(undisturbed[1])


@pytest.mark.slow
def test_a_verification_that_is_asked_to_end_saves_its_training(cell: Cell, tmp_path: Path) -> None:
    """Only the outer program gets the signal, as from `kill`."""
    price, predicted = Price(1.0, 1.0, 1.0, 1.0, 1.0), Estimate(0.1, 0.0, 1.0)
    built = PricedRun({"width": 10}, {"total": 160}, price, predicted)
    target, ladder = Target("accuracy", 0.8), LadderRange(10, 150, 5)
    decision = tmp_path / "decision.json"
    write(decision, decision_made(target=target, ladder=ladder, architecture=built, naive=None))
    spec, report = verify_slice(cell.study, "table"), tmp_path / "verify.json"
    files = {"data": cell.data, "meta": cell.meta, "decision": decision}
    job = job_of(spec, files, {"report": report}, domain="table")
    options = (job, f"--trained-by={CODE}", *cell.options)
    process = cell.start("verify_domain.py", *options, every=0.02)
    while not list(cell.checkpoints.glob("*/state.pt")):
        assert process.poll() is None
        time.sleep(0.005)
    process.terminate()
    status, said = ended(process)
    assert status == 128 + signal.SIGTERM and not report.exists()
    assert "the state of its training is saved; run snakemake again" in last_line(said)
    status, said = ended(cell.start("verify_domain.py", *options))
    assert status == 0 and "going on from a checkpoint" in said
    (run,) = json.loads(report.read_text())["runs"]
    assert len(run["values"]) == 2


def stop_in_training(cell: Cell) -> None:
    """Leave the checkpoint of a training that was asked to end."""
    process = cell.train(every=0.02)
    wait_for(cell.state, process)
    process.terminate()
    assert ended(process)[0] == 128 + signal.SIGTERM


@pytest.mark.slow
def test_spoiled_checkpoint_is_set_aside(cell: Cell, undisturbed, root, tmp_path) -> None:
    """A flipped bit anywhere, a cut, the checkpoint of another job put in its place."""
    stop_in_training(cell)
    good = cell.state.read_bytes()
    draw = random.Random(5)
    flipped = bytearray(good)
    flipped[draw.randrange(len(good))] ^= 1 << draw.randrange(8)
    other = Cell(root, tmp_path, epochs=41)
    stop_in_training(other)
    for content, words in (
        (bytes(flipped), "digest differs"),
        (good[: draw.randrange(len(good))], "digest differs"),
        (other.state.read_bytes(), "was made by another job"),
    ):
        cell.state.parent.mkdir(parents=True, exist_ok=True)
        cell.state.write_bytes(content)
        said = cell.trains_to(undisturbed[1])
        assert words in said and "set aside as state.aside.pt, starting anew" in said


@pytest.mark.slow
def test_checkpoint_of_other_data_is_not_taken_up(cell: Cell, root: Path, tmp_path: Path) -> None:
    """The user's table changed and was prepared anew between a kill and the next run."""
    stop_in_training(cell)
    cell.csv = tmp_path / "others.csv"
    write_table(cell.csv, seed=1)
    cell.study = read_study(study(cell.csv))
    assert cell.prepare()[0] == 0
    status, said = ended(cell.train())
    assert status == 0 and "on other data" in said
    resumed = cell.lasting()
    cell.out.unlink()
    cell.trains_to(resumed)


@pytest.mark.slow
def test_full_disk_for_checkpoints_is_said_and_the_training_goes_on(
    cell: Cell, undisturbed
) -> None:
    with small_disk(cell.checkpoints, "128k") as disk:
        cell.state.parent.mkdir(parents=True)
        fill(disk)
        status, said = ended(cell.train(every=0.1))
        assert status == 0 and cell.lasting() == undisturbed[1]
        assert f"checkpoint {cell.state} cannot be written: No space left on device" in said


@pytest.mark.parametrize("ended_in", ["{0}", "{0}.4711.done"])
def test_a_checkpoint_beside_its_record_is_removed(cell: Cell, undisturbed, ended_in) -> None:
    """As a kill between the two leaves it, or one while it was being removed: the record is kept,
    and nothing lies around."""
    for found in (undisturbed[0].out, outputs_path(undisturbed[0].out)):
        shutil.copy2(found, cell.folder)
    left = cell.state.parent.with_name(ended_in.format(cell.state.parent.name))
    left.mkdir(parents=True)
    (left / cell.state.name).write_bytes(b"of the last epoch")
    before = cell.out.read_bytes()
    files = {"data": cell.data, "meta": cell.meta}
    job = job_of(cell.spec, files, {"record": cell.out}, CODE, domain="table")
    status, said = ended(cell.start("train.py", job, *cell.options))
    assert status == 0 and "it is kept" in said
    assert cell.out.read_bytes() == before and not list(cell.checkpoints.iterdir())


def test_full_disk_for_the_record(cell: Cell, undisturbed) -> None:
    with small_disk(cell.folder / "full", "64k") as disk:
        filler, out = fill(disk), disk / "w8.json"
        status, said = ended(cell.train(out))
        assert status == 2
        assert f"{outputs_path(out)}" in last_line(said) and "No space left on device" in last_line(
            said
        )
        assert "free some space" in last_line(said)
        assert [path.name for path in disk.iterdir()] == ["filler"]
        filler.unlink()
        cell.trains_to(undisturbed[1], out)


@pytest.mark.slow
def test_full_disk_for_the_data(cell: Cell, undisturbed) -> None:
    before = cell.data.read_bytes()
    with small_disk(cell.folder / "full", "16k") as disk:
        cell.data, data = disk / "data.safetensors", cell.data
        filler = fill(disk)
        status, said = ended(cell.prepare_process())
        assert status == 2
        assert str(cell.data) in last_line(said) and "o space left on device" in last_line(said)
        assert [path.name for path in disk.iterdir()] == ["filler"]
        filler.unlink()
        cell.data = data
    cell.data.unlink()
    assert cell.prepare()[0] == 0
    assert cell.data.read_bytes() == before


@pytest.mark.slow
def test_results_that_cannot_be_written_to(cell: Cell, undisturbed) -> None:
    with small_disk(cell.folder / "locked", "64k") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        status, said = ended(cell.train(disk / "w8.json"))
        assert status == 2
        assert "w8.json" in last_line(said) and "Read-only file system" in last_line(said)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        cell.trains_to(undisturbed[1], disk / "w8.json")


@pytest.mark.slow
def test_out_of_memory(cell: Cell, undisturbed) -> None:
    """A limit that torch can be loaded under, and a model that does not fit below it."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

    spec = cell.spec
    cell.spec = replace(spec, size={"width": 40_000, "depth": 2})
    status, said = ended(cell.train(preexec_fn=limit))
    assert status == 2
    assert f"{cell.out}: out of memory" in last_line(said) and "batch_size" in last_line(said)
    assert not cell.out.exists()
    cell.spec = spec
    cell.trains_to(undisturbed[1])


def test_data_changed_after_preparation(cell: Cell, undisturbed) -> None:
    """One flipped bit of a megabyte trains to other numbers; nobody would ever know."""
    content = bytearray(cell.data.read_bytes())
    content[-random.Random(6).randrange(1, 1000)] ^= 4
    cell.data.write_bytes(content)
    sidecar = cell.meta.read_text()
    status, said = ended(cell.train())
    assert status == 2 and not cell.out.exists()
    assert f"{cell.data}: was changed after the data were prepared" in last_line(said)
    assert "delete it and run snakemake again" in last_line(said)
    cell.data.unlink()
    assert cell.prepare()[0] == 0
    assert cell.meta.read_text() == sidecar
    cell.trains_to(undisturbed[1])


@pytest.mark.slow
def test_description_of_the_data_edited_by_hand(cell: Cell, undisturbed) -> None:
    sidecar = json.loads(cell.meta.read_text())
    cell.meta.write_text(json.dumps(sidecar | {"classes": 3}))
    status, said = ended(cell.train())
    assert status == 2 and f"{cell.meta}: was changed after it was written" in last_line(said)
    assert cell.prepare()[0] == 0
    cell.trains_to(undisturbed[1])


def test_two_processes_train_one_cell(cell: Cell, undisturbed) -> None:
    """As two workflows started with --nolock do, or the orphan of a killed one: one waits."""
    first = cell.train(every=0.02)
    wait_for(cell.state, first)
    first.send_signal(signal.SIGSTOP)  # so that the second surely meets it
    second = cell.train()
    while "waits: another process holds" not in cell.log.read_text():
        assert second.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGCONT)
    status, _ = ended(first)
    later, said = ended(second)
    assert status == later == 0
    assert "its record is kept" in said
    assert cell.lasting() == undisturbed[1]


@pytest.mark.slow
def test_a_run_that_diverges_says_so_and_leaves_no_number(root: Path, cell: Cell) -> None:
    training = cell.spec.training.model_copy(update={"learning_rates": [1e6], "epochs": 3})
    cell.spec = replace(cell.spec, training=training)
    assert ended(cell.train())[0] == 0
    record = read_sealed(cell.out)
    assert [entry["status"] for entry in record["seeds"]] == ["diverged"] * 2
    assert [entry["test"] for entry in record["seeds"]] == [None, None]


def spoil(path: Path, how: str, draw: random.Random) -> str:
    """Spoil a record; gives the words that its refusal must hold."""
    text = path.read_text()
    record = json.loads(text)
    if how == "truncated":
        path.write_text(text[: draw.randrange(len(text))])
        return "not valid JSON"
    if how == "empty":
        path.write_text("")
        return "not valid JSON"
    if how == "edited":
        record["seeds"][0]["test"]["accuracy"] = 0.99
        path.write_text(json.dumps(record))
        return "was changed after it was written"
    del record[SEAL]
    if how == "of another configuration":
        record["spec"]["training"]["epochs"] = 99
    elif how == "of other code":
        record["code"] = "0" * 64
    elif how == "of other data":
        record["data_sha256"] = "0" * 64
    write_sealed(path, record)
    return how.removeprefix("of ")


@pytest.mark.parametrize(
    "how",
    ["truncated", "empty", "edited", "of another configuration", "of other code", "of other data"],
)
def test_spoiled_record_is_refused_by_name_and_set_aside(cell: Cell, undisturbed, how) -> None:
    for found in (undisturbed[0].out, outputs_path(undisturbed[0].out)):
        shutil.copy2(found, cell.folder)
    before, words = cell.out.read_text(), spoil(cell.out, how, random.Random(7))
    table = cell.folder / "observations.csv"
    expected = aggregate_slice(cell.study, "table", CODE, cell.folder / "verify")
    cells = [each for each in expected.records if each[:2] == ("w8", "1.0")]
    expected = replace(expected, records=cells)
    files = {"records": [cell.out], "verified": [], "meta": cell.meta}
    job = job_of(as_json(expected), files, {"observations": table}, domain="table")
    status, said = ended(cell.start("aggregate.py", job))
    assert status == 2 and not table.exists()
    line = last_line(said)
    assert str(cell.out) in line and words in line
    assert "set aside as w8.json.refused: run snakemake again to train it anew" in line
    # To Snakemake the record is missing, and so it is made again.
    assert not cell.out.exists()
    cell.out.write_text(before)
    assert ended(cell.start("aggregate.py", job))[0] == 0
    assert table.read_text().count("table,w8,1.0") == 2
