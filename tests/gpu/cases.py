"""What is trained on the GPU: of every family and task a small model on made data; and, for
speed, a size of each family that its ladders have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from alphascale.config import Training
from alphascale.families import family as family_of
from alphascale.networks.count import count_params
from alphascale.records.data import Meta
from alphascale.records.specs import TrainSpec
from alphascale.records.training import TrainingRecord
from alphascale.records.typed import as_json, parse
from alphascale.training import job
from alphascale.training.device import members_together
from alphascale.training.loop import Chunk, Member, Setup
from foreign_made import GREY, MASKED, NEXT, TEXT, bert, data, vit
from torch import nn

TABLE = Meta("tabular", 3, (6,), None, None, None, None)
LABELS = Meta("tabular", 3, (6,), None, None, None, None, task="labels")
NUMBER = Meta("tabular", 1, (6,), None, None, None, None, task="numbers", centre=10.0, spread=3.0)
DIGITS = Meta("image", 3, (1, 16, 16), None, None, (60.0,), (50.0,))
OWN = "gpu.cases:own_net"


@dataclass(frozen=True)
class Case:
    """A training, or the measuring of one."""

    name: str
    family: str
    size: dict[str, Any]
    meta: Meta
    # entries of the size that take its dropout out: masks are drawn on the device, and a GPU draws
    # others than a CPU
    still: dict[str, Any] = field(default_factory=dict)
    batch: int = 16
    more: dict[str, Any] = field(default_factory=dict)  # of the training section

    def __str__(self) -> str:
        return self.name

    def without_dropout(self) -> Case:
        return replace(self, size=self.size | self.still)


DRY = {"dropout": 0.0}
GPT2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}
DRY_GPT2 = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
DRY_BERT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
SMALL = (
    Case("mlp", "mlp", {"width": 12, "depth": 2}, TABLE, DRY),
    Case("mlp, labels", "mlp", {"width": 12, "depth": 2}, LABELS, DRY),
    Case("mlp, a number", "mlp", {"width": 12, "depth": 2}, NUMBER, DRY),
    Case("random_features", "random_features", {"width": 32}, TABLE),
    Case(
        "cnn", "cnn", {"width": 1 / 16}, DIGITS, DRY | {"spatial_dropout": 0.0},
        more={"augment": True},
    ),
    Case("transformer", "transformer", {"d_model": 8, "n_layers": 1}, TEXT, DRY),
    Case("transformer_lm", "transformer_lm", {"d_model": 16, "n_layers": 1}, NEXT, DRY),
    Case("resnet_bk", "resnet_bk", {"d_model": 16, "n_layers": 1}, NEXT, DRY),
    Case("hf, classes", "hf", bert(16, 1), TEXT, DRY_BERT),
    Case("hf, next token", "hf", GPT2, NEXT, DRY_GPT2),
    Case("hf, masked", "hf", bert(16, 1), MASKED, DRY_BERT),
    Case("hf, images", "hf", vit(), GREY, DRY_BERT),
    Case(
        "torchvision", "torchvision", {"name": "mobilenet_v3_small", "width": 0.1, "resize": 32},
        GREY, DRY,
    ),
    Case("timm", "timm", {"name": "test_vit", "drop_rate": 0.1}, GREY, {"drop_rate": 0.0}),
    Case("own module", OWN, {"hidden": 12}, TABLE),
)  # fmt: skip

_COLOUR = Meta("image", 10, (3, 32, 32), None, None, (125.0,) * 3, (63.0,) * 3)
_TEXTS = Meta("text", 10, (128,), 30_000, 0, None, None)
_TOKENS = Meta("tokens", 10_000, (128,), 10_000, None, None, None, task="next")
_COLUMNS = Meta("tabular", 7, (54,), None, None, None, None)
BERT_SMALL = {
    "model_type": "bert", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
    "intermediate_size": 1024,
}  # fmt: skip
_LANGUAGE = {"d_model": 128, "n_layers": 4}
LARGER = (
    Case("mlp w64", "mlp", {"width": 64}, _COLUMNS, batch=256),
    Case("mlp w512", "mlp", {"width": 512}, _COLUMNS, batch=256),
    Case("random_features w512", "random_features", {"width": 512}, _COLUMNS, batch=256),
    Case("cnn w0.25", "cnn", {"width": 0.25}, _COLOUR, batch=128),
    Case("cnn w1", "cnn", {"width": 1.0}, _COLOUR, batch=128),
    Case("transformer d64", "transformer", {"d_model": 64, "n_layers": 1}, _TEXTS, batch=128),
    Case("transformer d256", "transformer", {"d_model": 256, "n_layers": 4}, _TEXTS, batch=128),
    Case("transformer_lm d128", "transformer_lm", _LANGUAGE, _TOKENS, batch=32),
    Case("resnet_bk d128", "resnet_bk", _LANGUAGE, _TOKENS, batch=32),
    Case("hf bert d256", "hf", BERT_SMALL, _TEXTS, batch=64),
    Case("torchvision resnet18", "torchvision", {"name": "resnet18"}, _COLOUR, batch=128),
    Case(
        "timm vit_tiny", "timm", {"name": "vit_tiny_patch16_224", "patch_size": 4}, _COLOUR,
        batch=128,
    ),
    Case("own module", OWN, {"hidden": 64}, _COLUMNS, batch=256),
)  # fmt: skip


def own_net(meta: Meta, hidden: int) -> nn.Module:
    """A user's own model, as `module:factory` names it."""
    return nn.Sequential(
        nn.Linear(meta.shape[0], hidden),
        nn.ReLU(),
        nn.Dropout(0.0),
        nn.Linear(hidden, meta.classes),
    )


def made(case: Case, rows: int = 96, seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors of the three splits, which a model can learn from."""
    meta = case.meta
    if meta.kind != "tabular":
        return data(meta, rows, seed)
    source = torch.Generator().manual_seed(seed)
    tensors = {}
    for split, n in (("train", rows), ("validation", 40), ("test", 50)):
        x = torch.randn(n, *meta.shape, generator=source)
        y = torch.randint(0, max(2, meta.classes), (n,), generator=source)
        if meta.task == "numbers":
            y = meta.centre + meta.spread * x[:, 0].double()
        elif meta.task == "labels":
            y = (x[:, : meta.classes] > 0).to(torch.uint8)
        else:
            x[:, : meta.classes] += 1.5 * F.one_hot(y, meta.classes)
        tensors |= {f"{split}_x": x, f"{split}_y": y}
    return tensors


def drawn(meta: Meta, rows: int) -> dict[str, torch.Tensor]:
    """Tensors of nothing to be learnt, for speed alone; 64 samples to evaluate."""
    source = torch.Generator().manual_seed(0)
    tensors = {}
    for split, n in (("train", rows), ("validation", 64), ("test", 64)):
        if meta.kind == "tabular":
            x = torch.randn(n, *meta.shape, generator=source)
        elif meta.kind == "image":
            x = torch.randint(0, 256, (n, *meta.shape), generator=source, dtype=torch.uint8)
        else:
            x = torch.randint(
                1, meta.vocabulary, (n, *meta.shape), generator=source, dtype=torch.int32
            )
        shape = (n, *meta.shape) if meta.kind == "tokens" else (n,)
        tensors |= {
            f"{split}_x": x,
            f"{split}_y": torch.randint(0, meta.classes, shape, generator=source),
        }
    return tensors


def spec_of(case: Case, device: torch.device, seeds: int = 2, **training: Any) -> TrainSpec:
    """The job's slice, as a study would have it."""
    section = {"epochs": 2, "batch_size": case.batch, "learning_rates": [3e-3]} | case.more
    return parse(TrainSpec, {
        "domain": "gpu", "scale": case.name, "fraction": "1.0", "family": case.family,
        "size": family_of(case.family).complete(case.size), "seeds": list(range(seeds)),
        "training": Training(**section | training).model_dump(), "device": device.type,
        "data": {"source": "csv", "seed": 0, "test": 0.2, "validation": 0.1},
    }, "spec")  # fmt: skip


def trained(
    case: Case,
    device: torch.device,
    *,
    rows: int = 96,
    folder: Path | None = None,
    asked: Callable[[], int | None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
    **changes: Any,
) -> tuple[TrainingRecord, dict[int, torch.Tensor]]:
    """The record of a case's training and its test outputs."""
    spec = spec_of(case, device, **changes)
    return job.run(spec, made(case, rows), case.meta, say, folder, asked=asked)


def lasting(record: TrainingRecord) -> dict[str, Any]:
    """A record without what differs between two equal runs."""
    measured = ("time", "energy", "peak_memory_bytes")
    return {name: value for name, value in as_json(record).items() if name not in measured}


def together(case: Case, device: torch.device, members: int = 9) -> int:
    """How many of a job's members the device computes as one."""
    params = count_params(case.family, case.size, case.meta)["total"]
    return members_together(
        case.family, case.size, case.meta.shape, params, members, device, case.meta.vocabulary
    )


def chunk_of(case: Case, device: torch.device, members: int, rows: int, bfloat16: bool) -> Chunk:
    """Members that train together, on drawn data; seeds in threes, of as many rates."""
    tensors = drawn(case.meta, rows)
    training = spec_of(case, device, epochs=1_000).training
    setup = Setup(case.family, case.size, training, device, bfloat16)
    task = job.TASK_OF[case.meta.task](tensors, case.meta, "1.0", device, training.augment)
    runs = [Member(i // 3, 1e-4 * (1 + i % 3)) for i in range(members)]
    return Chunk(setup, task, runs, lambda line: None)
