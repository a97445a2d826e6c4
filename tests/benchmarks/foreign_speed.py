"""What a training step of a library's model takes: our trainer, a plain torch loop, and torch.func.

    python tests/benchmarks/foreign_speed.py

CPU milliseconds per member and step, one thread, the least of six rounds in turn. `ours` is the
training loop of a job, its members one after another; `plain` the loop that anybody writes, with
the data in memory as tensors, torch's fused AdamW and clipping; the ratio is the median over
rounds. `vmap` are the gradients of all members at once by torch.func, without clipping or update,
beside `grads`, the same of one module after another. On two cores that others used as well, at a
load of 10:

model                members     ours    plain     vmap    grads  ours / plain
BERT 16, batch 8           1     8.78     7.86    11.21     6.17          1.03
BERT 16, batch 8           3     7.65     7.93     5.34     4.52          1.02
BERT 16, batch 8           9     6.27     5.99     2.27     6.39          1.01
BERT 16, batch 32          1     7.99     7.68    10.49     6.33          1.00
BERT 16, batch 32          3     8.16     7.72     7.21     6.30          1.04
BERT 16, batch 32          9     9.16     8.88     5.91     7.04          1.07
BERT 64, batch 32          1    19.99    21.01    23.45    16.87          1.06
BERT 64, batch 32          3    23.62    23.11    30.13    20.45          1.02
ViT 32, batch 32           1    11.11    10.58    13.15     8.27          1.04
ViT 32, batch 32           3     9.31    11.18     9.47     9.15          1.05
ViT 32, batch 32           9     9.36     7.74     6.00     6.73          1.11
ResNet-18, batch 16        1   156.02   154.29   147.62   116.47          1.01
ResNet-18, batch 16        3   149.31   149.86   152.62   121.54          0.97

So members take turns. torch.func gains 2.8 times at nine members of a BERT of width 16 in batches
of 8, where Python takes most of a step, 1.1 to 1.2 times at nine of the others that were tried, and
loses at one, and at three of all others. Against it: it draws the dropout of all members from one
stream, so that the course of a seed would depend on its company, and it cannot take the padding
masks of transformers, which look at values.
"""

from __future__ import annotations

import statistics
import time
import warnings

import torch
import torch.nn.functional as F
from alphascale.config import Training
from alphascale.records.data import Meta
from alphascale.training.classification import Classification
from alphascale.training.loop import Chunk, Member, Setup
from torch.func import functional_call, vmap

TEXT = Meta("text", 10, (32,), 1000, None, None, None)
IMAGE = Meta("image", 10, (3, 32, 32), None, None, (128.0,) * 3, (60.0,) * 3)
ROUNDS = 6


def bert(width: int) -> dict:
    return {
        "model_type": "bert", "hidden_size": width, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 4 * width,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip


# name: family, size, data, batch, steps a round
CASES = {
    "BERT 16, batch 8": ("hf", bert(16), TEXT, 8, 12),
    "BERT 16, batch 32": ("hf", bert(16), TEXT, 32, 12),
    "BERT 64, batch 32": ("hf", bert(64), TEXT, 32, 6),
    "ViT 32, batch 32": ("timm", {
        "name": "vit_tiny_patch16_224", "patch_size": 8, "embed_dim": 32, "depth": 2,
        "num_heads": 2,
    }, IMAGE, 32, 6),
    "ResNet-18, batch 16": ("torchvision", {"name": "resnet18"}, IMAGE, 16, 3),
}  # fmt: skip


def data(meta: Meta, rows: int) -> dict[str, torch.Tensor]:
    found = {}
    for split in ("train", "validation", "test"):
        if meta.kind == "text":
            x = torch.randint(1, 999, (rows, *meta.shape), dtype=torch.int32)
        else:
            x = torch.randint(0, 256, (rows, *meta.shape), dtype=torch.uint8)
        found |= {f"{split}_x": x, f"{split}_y": torch.randint(0, 10, (rows,))}
    return found


def measure(name: str, members: int) -> str:
    family, size, meta, batch, steps = CASES[name]
    training = Training(epochs=1, batch_size=batch, learning_rates=[1e-3])
    setup = Setup(family, size, training, torch.device("cpu"), False)
    task = Classification(data(meta, steps * batch), meta, "1.0", setup.device)
    chunks = [Chunk(setup, task, [Member(seed, 1e-3)]) for seed in range(members)]
    modules = [chunk.model.member(0).train() for chunk in chunks]
    optimisers = [torch.optim.AdamW(m.parameters(), lr=1e-3, fused=True) for m in modules]

    def ours() -> None:
        for chunk in chunks:
            chunk.epoch, chunk._note = 0, lambda *measured: None
            chunk._begin_epoch()
            chunk._train_epoch(lambda: None)

    def plain() -> None:
        for module, optimiser in zip(modules, optimisers, strict=True):
            for rows in torch.randperm(steps * batch).split(batch):
                x, y = task.prepare(task.x["train"][rows]), task.y["train"][rows]
                loss = F.cross_entropy(module(x), y)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
                optimiser.step()

    stacked = {
        key: torch.stack([dict(m.named_parameters())[key].detach() for m in modules])
        for key in dict(modules[0].named_parameters())
    }
    stacked = {key: value.requires_grad_() for key, value in stacked.items()}
    buffers = {
        key: torch.stack([dict(m.named_buffers())[key] for m in modules])
        for key in dict(modules[0].named_buffers())
    }
    x, y = task.prepare(task.x["train"][:batch]), task.y["train"][:batch]
    x = x.expand(members, *x.shape)

    def batched() -> None:
        def forward(parameters, own, x):
            return functional_call(modules[0], (parameters, own), (x,))

        logits = vmap(forward, randomness="different")(stacked, buffers, x)
        loss = F.cross_entropy(logits.flatten(0, 1), y.repeat(members)) * members
        torch.autograd.grad(loss, list(stacked.values()), materialize_grads=True)

    def grads() -> None:
        for module in modules:
            loss = F.cross_entropy(module(x[0]), y)
            torch.autograd.grad(loss, list(module.parameters()), materialize_grads=True)

    ways = {
        "ours": (ours, steps),
        "plain": (plain, steps),
        "vmap": (batched, 1),
        "grads": (grads, 1),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(1 + ROUNDS):
        for way, (run, count) in ways.items():
            began = time.process_time()
            run()
            taken[way].append(1e3 * (time.process_time() - began) / count / members)
    ratio = statistics.median(a / b for a, b in zip(taken["ours"], taken["plain"], strict=True))
    least = "  ".join(f"{min(times[1:]):7.2f}" for times in taken.values())
    return f"{name:<20} {members:>7}  {least}  {ratio:12.2f}"


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("model                members     ours    plain     vmap    grads  ours / plain")
    for name in CASES:
        for members in (1, 3, 9):
            if (name.startswith("ResNet") and members == 9) or (members == 9 and "64" in name):
                continue
            print(measure(name, members), flush=True)


if __name__ == "__main__":
    main()
