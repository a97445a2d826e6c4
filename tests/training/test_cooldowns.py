"""Schedule `cooldown`: one trunk for several amounts of data, and what goes on from it."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from alphascale.config import Data, Training
from alphascale.data.batches import cools_at, seen
from alphascale.data.make import prepare
from alphascale.data.store import prefix
from alphascale.errors import UserError
from alphascale.progress.pace import Pace
from alphascale.progress.sizes import Known, Records, recorded, work
from alphascale.progress.table import table
from alphascale.records.data import DataSpec, Meta
from alphascale.records.rates import RateLaw
from alphascale.records.specs import TrainSpec
from alphascale.records.training import TrainingRecord, Trunk
from alphascale.records.typed import as_json, digest_of, parse, read, write
from alphascale.running.program import Told, shared
from alphascale.slices import canonical, data_spec, trainings, verify_spec
from alphascale.study import load_study
from alphascale.sweeps import cell_fractions, leaves_trunk, trained, trunk_from
from alphascale.training import checkpoints, job
from alphascale.training.next_token import NextToken
from alphascale.training.optimise import schedule
from alphascale.training.trunk import Folders

CPU = torch.device("cpu")
META = Meta("tokens", 12, (8,), 12, None, None, None, (3.0, 2.5, 2.0), "next")
FRACTIONS = ["0.25", "0.5", "1.0"]
BATCH = 7  # divides none of the blocks


def windows(rows: int = 150, seed: int = 0) -> dict[str, torch.Tensor]:
    """A language where the next token is mostly one more than this one."""
    source = torch.Generator().manual_seed(seed)
    tensors = {}
    for split, n in (("train", rows), ("validation", 20), ("test", 24)):
        stream = torch.randint(12, (n, 1), generator=source) + torch.arange(9)
        rare = torch.rand(n, 9, generator=source) < 0.15
        stream = torch.where(rare, torch.randint(12, (n, 9), generator=source), stream % 12)
        tensors[f"{split}_x"] = stream[:, :-1].int()
        tensors[f"{split}_y"] = stream[:, 1:].clone()
    return tensors


def spec_of(fraction: str, family: str = "transformer_lm", **training) -> TrainSpec:
    options = {"epochs": 1, "batch_size": BATCH, "schedule": "cooldown", "warmup": 0.2}
    options |= {"learning_rates": [1e-2, 3e-2]}
    size = {"d_model": 16, "n_layers": 1, "dropout": 0.1}
    data = DataSpec(source="corpus", seed=0, test=0.2, validation=0.1)
    whole = TrainSpec(
        "made", "s", "", family, size, [0, 1], Training(**options | training), "cpu", data,
        nested=FRACTIONS,
    )  # fmt: skip
    return whole.on(fraction)


def run(spec, folder=None, lines=None, folders=None, tensors=None, meta=META, **more):
    tensors = windows() if tensors is None else tensors
    say = (lambda line: None) if lines is None else lines.append
    return job.run(spec, tensors, meta, say, folder, trunks=folders, **more)[0]


def chain(folder, lines=None, family="transformer_lm", meta=META, **training):
    """The records of every fraction, each going on from the trunk of the one before."""
    records = []
    for before, fraction in pairwise([None, *FRACTIONS]):
        taken = None if before is None else folder / before
        folders = Folders(before, taken, folder / fraction)
        records.append(run(spec_of(fraction, family, **training), None, lines, folders, meta=meta))
    return records


def lasting(record: TrainingRecord) -> str:
    """All but what was measured, or is another where a trunk was taken."""
    left_out = {"time", "energy", "peak_memory_bytes", "trunk"}
    kept = {k: v for k, v in as_json(record).items() if k not in left_out}
    kept["flops"].pop("job")
    return json.dumps(kept, sort_keys=True)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("case", ["next", "masked", "resnet_bk", "sgd"])
def test_through_the_chain_and_alone_the_records_are_the_same_to_the_last_bit(case, tmp_path):
    """Dropout, what is masked, moments, order and the curve's mean over the epoch all go on."""
    family = "resnet_bk" if case == "resnet_bk" else "transformer_lm"
    meta = replace(META, task="masked", mask=11) if case == "masked" else META
    more = {"optimizer": "sgd"} if case == "sgd" else {}
    records = chain(tmp_path, None, family, meta, **more)
    for fraction, record in zip(FRACTIONS, records, strict=True):
        alone = run(spec_of(fraction, family, **more), meta=meta)
        assert alone.trunk is None
        assert lasting(record) == lasting(alone)
    assert [record.trunk and record.trunk.fraction for record in records] == [None, "0.25", "0.5"]
    # And another trunk would show: that of other seeds.
    assert lasting(records[2]) != lasting(
        run(replace(spec_of("1.0", family), seeds=[0, 2]), meta=meta)
    )


def test_the_samples_of_a_fraction_are_a_prefix_of_the_order_and_every_sample_is_seen_once():
    """A window is told by its place in the pool: so an order is read off the batches."""
    rows = 150
    tensors = windows(rows)
    tensors["train_x"] = torch.arange(rows, dtype=torch.int32)[:, None].expand(-1, 8).contiguous()
    orders = {}
    for i, fraction in enumerate(FRACTIONS):
        task = NextToken(tensors, META, fraction, CPU, nested=FRACTIONS[:i])
        batches = [x[..., 0] for x, _ in task.batches([0, 1], 1, BATCH)]
        assert len(batches) == task.steps(BATCH)
        sizes = [batch.shape[1] for batch in batches]
        assert min(sizes) == task.smallest_batch(BATCH) and max(sizes) <= BATCH
        for steps in range(len(batches) + 1):
            assert seen(task.blocks, BATCH, steps) == sum(sizes[:steps])
        orders[fraction] = torch.cat(batches, 1).tolist()
        for order in orders[fraction]:
            assert sorted(order) == list(range(prefix(rows, fraction)))
            assert order != sorted(order)
        assert orders[fraction][0] != orders[fraction][1]
    for smaller, larger in pairwise(FRACTIONS):
        for seed in range(2):
            count = len(orders[smaller][seed])
            assert orders[larger][seed][:count] == orders[smaller][seed]


def test_any_other_schedule_has_the_order_and_batches_that_it_always_had():
    from alphascale.networks.draws import generator

    tensors = windows()
    tensors["train_x"] = torch.arange(150, dtype=torch.int32)[:, None].expand(-1, 8).contiguous()
    task = NextToken(tensors, META, "0.5", CPU)
    order = torch.randperm(75, generator=generator(3, "order", 2))
    batches = [x[0, :, 0].tolist() for x, _ in task.batches([3], 2, BATCH)]
    assert batches == [part.tolist() for part in order.tensor_split(11)]


def test_a_cooldown_is_constant_and_then_one_less_a_square_root():
    """Hägele et al. 2024: 1 − √((n − N + N_decay) / N_decay) over the last 20 % of the steps."""
    factors = [schedule("cooldown", step, 100, 0.1, 50) for step in range(100)]
    assert factors[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]  # a tenth of the 50 of the smallest fraction
    assert cools_at(100) == 80 and factors[5:81] == [1.0] * 76
    assert factors[80:] == [1 - math.sqrt(n / 20) for n in range(20)]
    assert 0 < factors[-1] < 0.03
    for steps in range(1, 30):
        assert 0 <= cools_at(steps) < steps
        assert all(0 < schedule("cooldown", n, steps, 0.0) <= 1 for n in range(steps))


def test_flops_are_what_a_job_trained_itself_and_a_run_costs_what_it_always_did(tmp_path):
    records = chain(tmp_path)
    per_sample = records[0].flops.training_per_sample
    # 38, 37 and 75 samples in batches of 6 or 7 make 6, 6 and 11 steps; the last fifth cools down.
    assert [record.steps for record in records] == [6, 12, 23]
    trunks = [None, Trunk("0.25", 5, 32, 4), Trunk("0.5", 10, 63, 4)]
    assert [record.trunk for record in records] == trunks
    for record, trunk in zip(records, trunks, strict=True):
        spared = trunk.samples if trunk else 0
        assert record.flops.job == 4 * per_sample * (record.samples - spared)
        assert record.flops.per_run == per_sample * record.samples
        assert all(seed.flops == record.flops.per_run for seed in record.seeds)
    alone = [run(spec_of(fraction)) for fraction in FRACTIONS]
    share = sum(r.flops.job for r in records) / sum(r.flops.job for r in alone)
    assert share == pytest.approx((150 + 38 + 75 - 32 - 63) / (150 + 38 + 75))


@pytest.mark.parametrize("fault", ["gone", "cut", "flipped", "seeds", "data"])
def test_a_trunk_that_is_gone_damaged_or_foreign_is_trained_again_and_told(fault, tmp_path):
    run(spec_of("0.5"), folders=Folders(left=tmp_path))
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if fault == "gone":
        path.unlink()
    if fault == "cut":
        path.write_bytes(content[:-100])
    if fault == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    spec = spec_of("1.0")
    spec = replace(spec, seeds=[0, 7]) if fault == "seeds" else spec
    more = {"sha256": "other"} if fault == "data" else {}
    lines = []
    record = run(spec, None, lines, Folders("0.5", tmp_path), **more)
    assert record.trunk is None and lasting(record) == lasting(run(spec, **more))
    assert record.flops.job == record.flops.per_run * 4
    (said,) = [line for line in lines if "trunk" in line]
    assert re.search("trained here whole" if fault == "gone" else "whole trunk is trained", said)


class Killed(BaseException):
    pass


def killed_at(spec, count: int, folder, folders) -> None:
    """A run that is killed after so many steps, its state saved there and no later."""
    steps = iter(range(count + 1))

    def asked():
        if next(steps) == count:
            raise Killed
        return None

    with pytest.raises(Killed):
        run(spec, folder, None, folders, asked=asked)


@pytest.mark.parametrize("at", [1, 4, 5, 6, 8])
def test_a_kill_anywhere_in_the_chain_leaves_the_records_as_they_are(at, tmp_path, monkeypatch):
    """Before, at and after the begin of a cool-down (5 of half the data's own 7 steps, 8 of the
    whole's 13), and in the evaluation; the trunk that is left is that of an unbroken job."""
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    unbroken = chain(tmp_path / "unbroken")
    folders = [
        Folders("0.25", tmp_path / "unbroken" / "0.25", tmp_path / "half"),
        Folders("0.5", tmp_path / "half", tmp_path / "whole"),
    ]
    for fraction, each, expected in zip(FRACTIONS[1:], folders, unbroken[1:], strict=True):
        killed_at(spec_of(fraction), at, tmp_path / f"state{fraction}", each)
        lines = []
        record = run(spec_of(fraction), tmp_path / f"state{fraction}", lines, each)
        assert any("going on from a checkpoint" in line for line in lines)
        assert lasting(record) == lasting(expected)
        assert record.trunk == expected.trunk and record.flops == expected.flops
    one, other = ((tmp_path / name / "0.pt").read_bytes() for name in ("unbroken/0.5", "half"))
    assert one == other


def test_members_in_several_chunks_have_a_trunk_each(tmp_path, monkeypatch):
    together = job.members_together
    monkeypatch.setattr(job, "members_together", lambda *args: min(3, together(*args)))
    records = chain(tmp_path)
    assert sorted(path.name for path in (tmp_path / "0.25").iterdir()) == ["0.pt", "3.pt"]
    (tmp_path / "0.5" / "3.pt").unlink()
    lines = []
    again = run(spec_of("1.0"), None, lines, Folders("0.5", tmp_path / "0.5"))
    assert lasting(again) == lasting(records[2]) == lasting(run(spec_of("1.0")))
    assert records[2].trunk.runs == 4 and again.trunk.runs == 3
    spared = again.flops.training_per_sample * 3 * again.trunk.samples
    assert again.flops.job == again.flops.per_run * 4 - spared
    assert sum("no trunk" in line for line in lines) == 1


def test_a_check_of_the_law_of_rates_is_trained_whole_beside_the_trunk_of_the_others(tmp_path):
    law = RateLaw("made", [], 1000.0, math.log(2e-2), 0.1, -0.4, 0.1, 1e-3, 1e-1, 0.05)

    def of(fraction, folders=None, checked=False):
        spec = spec_of(fraction, rates="law", learning_rates=[])
        return run(spec, folders=folders, law=law, checked=checked)

    of("0.5", Folders(left=tmp_path))
    record = of("1.0", Folders("0.5", tmp_path, tmp_path / "own"), checked=True)
    assert len(record.sweep) == 3 and record.trunk.runs == 2
    assert lasting(record) == lasting(of("1.0", checked=True))
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["0.pt"]


def domain_of(**changes) -> dict:
    training = {"epochs": 1, "schedule": "cooldown", "learning_rates": [1e-2, 3e-2]}
    ladder = {f"d{d}": {"n_layers": 1, "d_model": d} for d in (4, 6, 8, 12, 16)}
    domain = {
        "data": {"source": "torch_source", "length": 32, "vocabulary": 512},
        "family": "transformer_lm", "ladder": ladder, "fractions": FRACTIONS,
        "target": {"perplexity": 56},
    }  # fmt: skip
    training |= changes.pop("training", {})
    return domain | {"training": training} | changes


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"training": {"epochs": 2}}, "training.epochs: schedule cooldown needs 1, not 2"),
        ({"training": {"patience": 3}}, "training.patience: schedule cooldown has one epoch"),
        ({"training": {"warmup": 0.9}}, "training.warmup: 0.9 leaves"),
        (
            {
                "data": {"source": "letter"}, "family": "mlp", "ladder": {"w8": {"width": 8}},
                "target": {"accuracy": 0.9},
            },
            "training.schedule: cooldown is for running text",
        ),
    ],
)  # fmt: skip
def test_what_has_no_trunk_is_refused_in_one_line(changes, said):
    study = {"domains": {"d": domain_of(**changes)}}
    with pytest.raises(UserError, match=re.escape(f"domains.d: {said}")) as fault:
        load_study(study)
    assert "\n" not in str(fault.value)


def test_which_cells_go_on_from_which():
    domains = {
        "swept": domain_of(),
        "law": domain_of(training={"rates": "law"}),
        "other": domain_of(training={"schedule": "cosine"}),
        "own": domain_of(
            runs={
                "d8": {"fractions": [0.5, 0.75, 1.0]}, "d12": {"fractions": [0.1, 0.75]},
                "d16": {"fractions": [0.25, 1.0]},
            }
        ),
    }  # fmt: skip
    study = load_study({"domains": domains})

    def chains(name: str) -> dict[str, list]:
        task = study.domains[name]
        found = {}
        for scale in task.ladder:
            own = cell_fractions(task, scale)
            found[scale] = [trunk_from(task, scale, fraction) for fraction in own]
            left = [each for each in own if leaves_trunk(task, scale, each)]
            assert left == sorted({each for each in found[scale] if each}, key=float)
        return found

    assert set(map(tuple, chains("swept").values())) == {(None, "0.25", "0.5")}
    # The law rests on the two smallest sizes' whole data: they are trained before anything else.
    law = chains("law")
    assert law["d4"] == law["d6"] == [None, "0.25", None]
    assert law["d8"] == law["d16"] == [None, "0.25", "0.5"]
    assert set(map(tuple, chains("other").values())) == {(None, None, None)}
    # A fraction that the domain does not have is in nobody's order but its own.
    own = chains("own")
    assert own["d8"] == [None, "0.5", "0.5"]
    assert own["d12"] == [None, None] and own["d16"] == [None, "0.25"]


def test_the_slice_names_what_is_nested_below_it_and_other_schedules_have_no_such_key():
    study = load_study(
        {"domains": {"c": domain_of(), "o": domain_of(training={"schedule": "linear"})}}
    )
    cut = trainings(study)
    assert [cut("c", "d8", f).nested for f in FRACTIONS] == [[], ["0.25"], ["0.25", "0.5"]]
    assert "nested" in as_json(cut("c", "d8", "1.0"))
    assert not any("nested" in as_json(cut("o", "d8", f)) for f in FRACTIONS)
    # What the job of a fraction is called by, the next one works out from its own slice.
    assert digest_of(cut("c", "d8", "1.0").on("0.5")) == digest_of(cut("c", "d8", "0.5"))
    read = parse(TrainSpec, as_json(cut("c", "d8", "1.0")), "spec")
    assert read == cut("c", "d8", "1.0")
    # Verification trains whatever size as the ladder is trained.
    assert verify_spec(study, "c").on("1.0").nested == ["0.25", "0.5"]


def test_the_forecast_counts_what_each_job_trains_itself(tmp_path):
    """To the FLOP where a record has counted them; all of it where the trunk's job does not run."""
    records = chain(tmp_path / "trunks")
    per_sample = records[0].flops.training_per_sample
    domain = domain_of(training={"batch_size": BATCH, "warmup": 0.2}, seeds=[0, 1])
    study = load_study({"domains": {"c": domain}})
    sizes = Records(study, "c", str(tmp_path))
    sizes.__dict__["data"] = {"sizes": {"train": 150}}
    sizes.__dict__["known"] = {
        "d8": [Known(1, per_sample, 4, 1.0, 1, 1.0, None, False)],
    }
    cells = [("c", "d8", fraction) for fraction in FRACTIONS]
    works = {cell: work(study, sizes, *cell[1:], cells) for cell in cells}
    for made, record in zip(works.values(), records, strict=True):
        assert made.flops == record.flops.job and not made.about
        spared = record.trunk.steps if record.trunk else 0
        assert made.steps == record.steps - spared and made.trunk == (record.trunk is not None)
        share = trained(study.domains["c"], "d8", record.spec.fraction) * per_sample
        assert share * record.samples == pytest.approx(made.flops, rel=0.05)
    paces = {"c": Pace(0.0, 1e9, 1.0, "so")}
    assert "2 of the jobs go on from where another begins" in table(works, paces, study)
    alone = work(study, sizes, "d8", "1.0", cells[2:])
    assert alone.flops == records[2].flops.per_run * 4 and not alone.trunk
    assert "go on from" not in table({cells[2]: alone}, paces, study)
    # What a record says of the pace of its machine is of what it trained.
    folder = tmp_path / "train" / "c" / "d8"
    write(folder / "1.0.json", records[2])
    known, _ = recorded(tmp_path, ("c", "d8", "1.0"))
    assert known.members * known.steps == pytest.approx(4 * (23 - 10))


# train.py, with a checkpoint twenty times a second instead of every 20 seconds.
EAGER = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); "
    "import alphascale.training.checkpoints as c; c.EVERY = 0.05; "
    "sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_the_program_goes_on_from_a_trunk_through_a_kill_and_removes_it(root, tmp_path, number):
    (tmp_path / "text.txt").write_text("the sea is wide and the hill is high\n" * 1500)
    section = Data(source="corpus", path=str(tmp_path / "text.txt"), length=16, vocabulary=270)
    data = data_spec(section, 0)
    prepare("made", data, tmp_path / "d.safetensors", tmp_path / "d.json", lambda line: None)
    code = "0" * 64

    def spec(fraction: str) -> TrainSpec:
        return replace(spec_of(fraction, batch_size=4), data=data)

    def start(fraction: str, checkpoints: str, **beside) -> subprocess.Popen:
        scripts, out = root / "workflow" / "scripts", f"{checkpoints}-{fraction}.json"
        told = Told(
            shared(canonical(spec(fraction)), code, domain="made"), "{}",
            {"meta": str(tmp_path / "d.json")}, {"record": str(tmp_path / out)}, beside,
        )  # fmt: skip
        words = {
            "device": "cpu", "threads": 1, "jobs-per-gpu": 1,
            "checkpoints": tmp_path / checkpoints, "log": tmp_path / f"{out}.log",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-c", EAGER, scripts, scripts / "train.py", str(told)]
            + [f"--{name}={value}" for name, value in words.items()],
            stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    assert start("1.0", "alone").wait() == 0
    assert start("0.5", "chain", leaves=True).wait() == 0
    trunk = tmp_path / "chain" / f"trunk-{digest_of(spec('0.5'))}-{code[:16]}"
    assert [path.name for path in trunk.iterdir()] == ["0.pt"]
    killed = start("1.0", "chain", trunk="0.5")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "chain").glob("*/state.pt")) and time.monotonic() < deadline:
        assert killed.poll() is None, "ended before it could be killed"
        time.sleep(0.02)
    killed.send_signal(number)
    assert killed.wait() == (-number if number == signal.SIGKILL else 128 + number)
    assert trunk.exists() and not (tmp_path / "chain-1.0.json").exists()
    assert start("1.0", "chain", trunk="0.5").wait() == 0
    assert "going on from a checkpoint" in (tmp_path / "chain-1.0.json.log").read_text()
    assert not trunk.exists()
    alone, went_on = (read(tmp_path / f"{n}-1.0.json", TrainingRecord) for n in ("alone", "chain"))
    assert lasting(alone) == lasting(went_on)
    assert went_on.trunk.fraction == "0.5" and went_on.flops.job < 0.65 * alone.flops.job
