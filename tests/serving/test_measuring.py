"""Serving as measured: what is counted, against what is known of the models."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from alphascale.deciding.ranges import FAR
from alphascale.networks.build import build, initialise
from alphascale.networks.count import count_params
from alphascale.records.data import Meta
from alphascale.records.serving import Answering, ServingRecord
from alphascale.records.specs import ServingSpec
from alphascale.records.typed import Refused, read, write
from alphascale.serving import measure as measuring
from alphascale.serving.measure import Server, Window, measure
from alphascale.serving.memory import Live, memory
from alphascale.serving.sizes import NAIVE, sizes
from alphascale.training.classification import Classification
from alphascale.training.energy import CORE_W
from foreign_made import COLOUR, GREY, MASKED, NEXT, TEXT, bert, data, vit

TABLE = Meta("tabular", 7, (54,), None, None, None, None)
IMAGE = Meta("image", 10, (1, 8, 8), None, None, (0.5,), (0.2,))
WIDTHS = (8, 64, 512)
SPEC = ServingSpec(
    domain="d", family="mlp", ladder={f"w{w}": {"width": w} for w in WIDTHS},
    naive={"width": 1024}, counted="total", batch=1, precision="float32", device="cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of milliseconds."""
    for name, value in {"WARM_S": 0.01, "WINDOW_S": 0.01, "CALLS": 5, "MANY_S": 0.01}.items():
        monkeypatch.setattr(measuring, name, value)


def tensors(meta: Meta, rows: int = 40) -> dict[str, torch.Tensor]:
    image = meta.kind == "image"
    x = torch.randint(0, 255, (rows, *meta.shape), dtype=torch.uint8) if image else None
    x = torch.randn(rows, *meta.shape) if x is None else x
    y = torch.randint(0, meta.classes, (rows,))
    return {f"{split}_{part}": {"x": x, "y": y}[part]
            for split in ("train", "validation", "test") for part in "xy"}  # fmt: skip


def served(spec: ServingSpec, meta: Meta = TABLE) -> tuple[ServingRecord, list[str]]:
    said: list[str] = []
    return measure(spec, tensors(meta), meta, "code", said.append), said


def test_sizes_reach_as_far_as_a_decision_does() -> None:
    found = sizes(SPEC, TABLE)
    names = [name for name, _, _ in found]
    counts = [params["total"] for _, _, params in found]
    assert counts == sorted(counts)
    assert {"w8", "w64", "w512", NAIVE} < set(names) and len(names) == 7
    largest = count_params("mlp", {"width": 512}, TABLE)["total"]
    assert counts[-1] >= FAR * largest and counts[-1] == pytest.approx(FAR * largest, rel=0.01)
    # A naive model that is one of the ladder is measured once, under the ladder's name.
    names = [name for name, _, _ in sizes(replace(SPEC, naive={"width": 64}), TABLE)]
    assert NAIVE not in names and names.count("w64") == 1


def test_a_larger_network_takes_longer_and_more_memory(tmp_path) -> None:
    record, said = served(replace(SPEC, ladder={"a": {"width": 16}, "b": {"width": 900}}))
    found = {each.name: each.answering for each in record.sizes}
    assert all(isinstance(each, Answering) for each in found.values()) and len(said) == len(found)
    a, b = found["a"], found["b"]
    assert b.seconds > 2 * a.seconds and b.per_second < a.per_second
    assert b.joules > a.joules > 0 and "estimated: 10 W for each CPU core" in a.energy_how
    assert a.seconds <= a.seconds_95 and a.calls >= 5 * measuring.TURNS
    # At most the rating for as long as a batch took on average: a core of 10 W.
    assert a.joules <= CORE_W * 3 * a.seconds_95
    write(tmp_path / "serving.json", record)
    assert read(tmp_path / "serving.json", ServingRecord) == record


def test_batches_that_another_process_interrupts_are_left_out() -> None:
    """Unless that leaves hardly any, as of batches longer than a turn of the system."""
    few = Window([1.0, 9.0, 1.2, 1.1], [1.0, 1.2, 1.1])
    assert few.timed == [1.0, 1.1, 1.2]
    assert Window([9.0, 8.0, 7.0], [7.0]).timed == [7.0, 8.0, 9.0]


def server(family: str, size: dict, meta: Meta, batch: int) -> Server:
    model = build(family, size, meta, 1)
    initialise(model, [0])
    rows = tensors(meta)
    task = Classification(rows, meta, "1.0", torch.device("cpu"))
    return Server(model.eval(), task, task.x["test"], batch, torch.device("cpu"), False)


@pytest.mark.parametrize("batch", [1, 16])
def test_memory_is_weights_and_what_lives_at_once(batch: int) -> None:
    """Of an MLP of three layers of 512: the samples, and two layers' outputs at least."""
    with torch.inference_mode():
        made = server("mlp", {"width": 512, "depth": 3}, TABLE, batch)
        held, most = memory(made)
    total = count_params("mlp", {"width": 512, "depth": 3}, TABLE)["total"]
    assert held == 4 * (total + 3 * 2 * 512)  # batch norm's means and variances, too
    samples, layer = 4 * 54 * batch, 4 * 512 * batch
    assert held + samples + 2 * layer <= most <= held + 2 * samples + 4 * layer


def test_what_is_gone_is_not_counted() -> None:
    kept = torch.ones(100)
    with Live({kept.untyped_storage()._cdata}) as live:
        for _ in range(5):
            step = kept * 2  # 400 bytes, dropped as the next one is made
            view = step[10:]
            del step, view
    assert live.most <= 2 * 400 and live.now == 0


def test_a_batch_answers_its_samples_in_order_and_begins_again_at_the_end() -> None:
    made = server("cnn", {"width": 0.0625}, IMAGE, 4)
    with torch.inference_mode():
        whole = made.answer(0, 40)
        assert torch.allclose(made.answer(8, 4), whole[:, 8:12], atol=1e-5)
        wrapped = torch.cat([whole[:, 38:], whole[:, :2]], 1)
        assert torch.allclose(made.answer(38, 4), wrapped, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "meta", "small", "large"),
    [
        ("transformer_lm", NEXT, {"d_model": 8, "n_layers": 1}, {"d_model": 32, "n_layers": 2}),
        ("transformer", TEXT, {"d_model": 8, "n_layers": 1}, {"d_model": 32, "n_layers": 2}),
        ("hf", MASKED, bert(16, 1), bert(64, 2)),
        ("hf", GREY, vit(16), vit(64)),
        ("torchvision", COLOUR, {"name": "resnet18"}, {"name": "resnet34"}),
        ("own_net:net", TABLE, {"width": 4}, {"width": 64}),
    ],
)
def test_every_kind_of_model_and_data_is_served(
    family: str, meta: Meta, small: dict, large: dict, tmp_path, monkeypatch
) -> None:
    """Tokens to tell, texts, masked tokens, images; a library's models and a user's own."""
    (tmp_path / "own_net.py").write_text(
        "from torch import nn\n\n\ndef net(data, width):\n"
        "    return nn.Sequential(nn.Linear(54, width), nn.ReLU(), nn.Linear(width, 7))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    if family in ("hf", "torchvision"):
        pytest.importorskip({"hf": "transformers"}.get(family, family))
    spec = replace(SPEC, family=family, ladder={"s": small, "l": large}, naive=None, batch=2)
    made = {
        f"{split}_{part}": value
        for split in ("train", "validation", "test")
        for part, value in (("x", data(meta)["test_x"]), ("y", data(meta)["test_y"]))
    } if meta is not TABLE else tensors(meta)  # fmt: skip
    monkeypatch.setattr("alphascale.serving.sizes.BEYOND", (2.0,))
    record = measure(spec, made, meta, "code", lambda line: None)
    found = {each.name: each for each in record.sizes}
    s, large_ = found["s"], found["l"]
    assert isinstance(s.answering, Answering) and isinstance(large_.answering, Answering)
    assert large_.answering.memory_bytes > s.answering.memory_bytes
    for each in (s, large_):
        assert each.answering.weights_bytes >= 4 * each.params["total"]
        assert each.answering.memory_bytes > each.answering.weights_bytes
        # Nothing is counted twice: a member alone is its module, whose weights are the same.
        assert each.answering.weights_bytes < 5 * each.params["total"] + 20_000
    # Models that only a name tells apart have none beyond the largest.
    assert len(record.sizes) == (2 if "name" in small else 3)


def test_what_does_not_fit_is_refused_and_nothing_larger_is_tried(monkeypatch) -> None:
    monkeypatch.setattr(measuring, "free_memory", lambda device: 300_000)
    record, said = served(SPEC)
    found = [(each.name, each.answering) for each in record.sizes]
    assert isinstance(dict(found)["w64"], Answering)
    refused = [each.refused for _, each in found if isinstance(each, Refused)]
    assert "more than half of the 0.0003 GB" in refused[0]
    assert all("not tried: w512, which is smaller" in each for each in refused[1:])
    assert len(refused) == 5 and sum("not tried" in line for line in said) == 4


def test_an_allocation_that_fails_is_refused_too(monkeypatch) -> None:
    def full(model, seeds):
        if sum(each.numel() for each in model.parameters()) > 100_000:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        initialise(model, seeds)

    monkeypatch.setattr(measuring, "initialise", full)
    record, _ = served(SPEC)
    found = {each.name: each.answering for each in record.sizes}
    assert found["w512"] == Refused("it does not fit into memory")
    assert isinstance(found["w64"], Answering)
