"""A ladder trained by alphascale, against two plain loops, in CPU seconds a member.

    python tests/benchmarks/training_speed.py [--domains vision nlp] [--sizes c4 d8] [--epochs 1]

For each size of the default study's ladders (config/config.yaml; of nlp also d24) all members of
its job are trained here, seeds × learning rates, with everything that a job does; then, at the rate
that it chose, each seed alone by torch's standard layers with the same parameters, batch, epochs,
schedule, clipping and evaluation after every epoch, in two loops: `loader` fetches its samples one
by one through a DataLoader, as the reference system does; `tensors` gathers batches by index from
tensors in memory. All in process CPU seconds on one thread in this one run. The goals: at most an
eighth, a fifth, a quarter of `loader` on tabular, vision, nlp, at most two thirds of `tensors`, at
the same accuracy within seed noise. `--epochs 1 --seeds 1` takes a minute or two.

FLOP/s and bytes/s are what the whole job reaches, evaluation and preparation in its time but not in
its work, as shares of a large float32 product's and of a copy's in the cache: where neither is near
one, the time goes into operations too small for either.

Printed on two busy cores, accuracies rounded here (`--domains tabular vision --epochs 3 --seeds 3`;
`--domains nlp --epochs 1 --seeds 3` in two halves, by `--sizes`); one thread 154, 122 and 140
GFLOP/s, 70, 63 and 66 GB/s:

        size params    ours  loader        tensors      FLOP/s, bytes/s; accuracy: the three
tabular   w8    562  0.048   0.50  10.5×   0.29  6.0×  1%  7% .699±.016, .656±.002, .673±.018
tabular  w12    926  0.051   0.54  10.6×   0.27  5.3×  2%  8% .735±.003, .742±.020, .754±.010
tabular  w16   1354  0.053   0.57  10.9×   0.27  5.2×  3%  9% .787±.009, .789±.003, .791±.003
tabular  w24   2402  0.060   0.71  11.8×   0.43  7.1×  6% 11% .845±.008, .842±.004, .833±.008
tabular  w32   3706  0.092   0.72   7.9×   0.26  2.8×  6%  9% .873±.004, .866±.007, .877±.002
tabular  w48   7082  0.069   0.56   8.2×   0.30  4.4× 15% 16% .900±.004, .891±.003, .899±.007
 vision   c2   1276  0.167   0.99   5.9×   1.03  6.2×  3%  4% .734±.043, .706±.082, .675±.139
 vision   c3   2770  0.186   1.16   6.2×   1.13  6.0×  5%  5% .888±.007, .834±.079, .878±.012
 vision   c4   4838  0.246   1.25   5.1×   1.09  4.4×  7%  5% .941±.004, .915±.050, .943±.023
 vision   c5   7480  0.347   1.36   3.9×   1.29  3.7×  8%  5% .961±.006, .967±.002, .963±.003
 vision   c6  10696  0.354   1.60   4.5×   1.17  3.3× 11%  6% .967±.008, .968±.005, .971±.004
 vision   c8  18850  0.427   1.79   4.2×   1.58  3.7× 16%  7% .980±.004, .975±.003, .986±.006
    nlp   d4  16668  1.406   2.90   2.1×   2.65  1.9×  1%  2% .211±.040, .240±.043, .286±.015
    nlp   d6  25147  1.343   3.32   2.5×   3.06  2.3×  2%  4% .315±.025, .284±.007, .262±.142
    nlp   d8  33726  1.374   3.38   2.5×   2.97  2.2×  3%  5% .400±.049, .295±.097, .353±.039
    nlp  d12  51184  1.456   3.93   2.7×   3.88  2.7×  4%  6% .370±.009, .422±.024, .343±.159
    nlp  d16  69042  1.929   4.36   2.3×   4.32  2.2×  5%  6% .440±.040, .463±.020, .359±.145
    nlp  d24 105958  2.511   4.85   1.9×   4.20  1.7×  8%  7% .476±.023, .476±.034, .455±.040
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, TensorDataset

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from alphascale import slices as study  # noqa: E402
from alphascale.config import read_study  # noqa: E402
from alphascale.data.make import prepare  # noqa: E402
from alphascale.data.store import open_tensors  # noqa: E402
from alphascale.families import family  # noqa: E402
from alphascale.families.cnn import channels  # noqa: E402
from alphascale.networks.transformer import sinusoids  # noqa: E402
from alphascale.training.classification import Classification  # noqa: E402
from alphascale.training.job import run  # noqa: E402
from alphascale.training.loop import Chunk, Member, Setup  # noqa: E402

DOMAINS = ("tabular", "vision", "nlp")
BEYOND = {"nlp": {"d24": {"n_layers": 1, "d_model": 24, "heads": 2, "dropout": 0.1}}}
Batches = Callable[[str, int, bool], Iterator[tuple[Tensor, Tensor]]]


def mlp(meta, size: dict) -> nn.Module:
    layers, inputs = [], meta.shape[0]
    for _ in range(size["depth"]):
        layers += [nn.Linear(inputs, size["width"]), nn.BatchNorm1d(size["width"]), nn.ReLU()]
        inputs = size["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, meta.classes))


class CNN(nn.Module):
    def __init__(self, meta, size: dict):
        super().__init__()
        layers, inputs = [], meta.shape[0]
        for outputs in channels(size["width"]):
            for _ in range(size["n_layers"]):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
            layers += [nn.MaxPool2d(2), nn.Dropout2d(size["spatial_dropout"])]
        self.body = nn.Sequential(*layers)
        hidden = inputs // 2
        self.head = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, meta.classes)
        )
        shift, scale = torch.tensor(meta.mean), 1 / torch.tensor(meta.std)
        self.shift, self.scale = shift.view(-1, 1, 1), scale.view(-1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body((x - self.shift) * self.scale).mean((2, 3)))


class Transformer(nn.Module):
    def __init__(self, meta, size: dict):
        super().__init__()
        d_model, rate = size["d_model"], size["dropout"]
        self.embedding = nn.Embedding(meta.vocabulary, d_model)
        nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
        self.body = nn.ModuleList(
            nn.TransformerEncoderLayer(
                d_model, size["heads"], 4 * d_model, rate, batch_first=True, norm_first=True
            )
            for _ in range(size["n_layers"])
        )
        for layer in self.body:
            layer.self_attn.dropout = 0.0  # as here: none within the attention
        self.head = nn.Sequential(
            nn.Linear(d_model, d_model // 2), nn.GELU(), nn.Dropout(rate),
            nn.Linear(d_model // 2, meta.classes),
        )  # fmt: skip
        self.positions, self.pad = sinusoids(meta.shape[0], d_model), meta.pad
        self.dropout, self.scale = nn.Dropout(rate), math.sqrt(d_model)

    def forward(self, ids: Tensor) -> Tensor:
        ids = ids.long()
        x = self.dropout(self.embedding(ids) * self.scale + self.positions)
        pad = ids == self.pad
        for layer in self.body:
            x = layer(x, src_key_padding_mask=pad)
        keep = (~pad).unsqueeze(2).to(x.dtype)
        return self.head((x * keep).sum(1) / keep.sum(1))


PLAIN = {"mlp": mlp, "cnn": CNN, "transformer": Transformer}


def loader(tensors: dict[str, Tensor]) -> Batches:
    """Batches of samples that are fetched one by one."""
    sets = {
        split: TensorDataset(tensors[f"{split}_x"], tensors[f"{split}_y"])
        for split in ("train", "validation", "test")
    }
    return lambda split, size, shuffle: iter(DataLoader(sets[split], size, shuffle=shuffle))


def in_memory(tensors: dict[str, Tensor]) -> Batches:
    """Batches gathered by index; what is only evaluated, in slices of 512."""

    def batches(split: str, size: int, shuffle: bool) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = tensors[f"{split}_x"], tensors[f"{split}_y"]
        if shuffle:
            for rows in torch.randperm(len(y)).split(size):
                yield x[rows], y[rows]
        else:
            yield from zip(x.split(512), y.split(512), strict=True)

    return batches


def plain(model: nn.Module, batches: Batches, samples: int, training, rate: float) -> float:
    """Test accuracy at the best validation epoch, trained the plain way."""
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=training.weight_decay)
    steps = -(-samples // training.batch_size) * training.epochs
    warm = max(1, round(training.warmup * steps))
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warm, total_iters=warm),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - warm, rate / 10),
        ],
        [warm],
    )
    best, best_loss = None, math.inf
    for _ in range(training.epochs):
        model.train()
        for x, y in batches("train", training.batch_size, True):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), training.clip)
            optimizer.step()
            schedule.step()
        loss, _ = evaluate(model, batches("validation", training.batch_size, False))
        if loss < best_loss:
            best, best_loss = copy.deepcopy(model.state_dict()), loss
    model.load_state_dict(best)
    return evaluate(model, batches("test", training.batch_size, False))[1]


@torch.no_grad()
def evaluate(model: nn.Module, batches: Iterator[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Mean loss and accuracy."""
    model.eval()
    loss, right, count = 0.0, 0, 0
    for x, y in batches:
        logits = model(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        right += (logits.argmax(1) == y).sum().item()
        count += len(y)
    return loss / count, right / count


class Traffic(TorchDispatchMode):
    """Sums the bytes that operations read and write, as if none stayed in a cache."""

    bytes = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        if not operation.is_view and "empty" not in operation.name():
            for each in tree_leaves((args, kwargs, result)):
                if isinstance(each, Tensor):  # of one that is expanded, what is stored
                    size = each.numel() * each.element_size()
                    self.bytes += min(size, each.untyped_storage().nbytes())
        return result


class Enough(Exception):
    """Two steps are taken."""


def bytes_per_step(spec, tensors: dict[str, Tensor], meta) -> float:
    """Bytes that one member's training step reads and writes."""
    cpu = torch.device("cpu")
    task = Classification(tensors, meta, spec.fraction, cpu)
    rates = spec.training.learning_rates
    members = [Member(seed, rate) for seed in spec.seeds for rate in rates]
    chunk = Chunk(Setup(spec.family, spec.size, spec.training, cpu, False), task, members)
    seen = []

    def after_step() -> None:
        seen.append(traffic.bytes)
        if len(seen) == 2:
            raise Enough

    with Traffic() as traffic, suppress(Enough):
        chunk.run(lambda chunk: None, after_step)
    return (seen[1] - seen[0]) / len(members)


def machine() -> tuple[float, float]:
    """FLOP/s of a product of 2,048 × 2,048 in float32, bytes/s of a copy that stays in the cache
    of second level (half a megabyte read, half a megabyte written): the best of ten."""
    a, b = torch.randn(2, 2048, 2048)
    source, target = torch.randn(2, 1 << 17)
    product = min(timed(lambda: a @ b)[0] for _ in range(10))
    copies = min(timed(lambda: [target.copy_(source) for _ in range(100)])[0] for _ in range(10))
    return 2 * 2048**3 / product, 100 * 2 * source.nbytes / copies


def timed(do: Callable[[], object]) -> tuple[float, object]:
    started = time.process_time()
    result = do()
    return time.process_time() - started, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", nargs="+", default=DOMAINS, choices=DOMAINS)
    parser.add_argument("--sizes", nargs="+", help="of the ladders, all of them if not given")
    parser.add_argument("--epochs", type=int, help="the study's, if not given")
    parser.add_argument("--seeds", type=int, help="the study's, if not given")
    args = parser.parse_args()
    torch.set_num_threads(1)
    default = read_study(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    peak, bandwidth = machine()
    print(f"one thread: {peak / 1e9:.0f} GFLOP/s, {bandwidth / 1e9:.0f} GB/s")
    print(
        f"{'':>7} {'size':>4} {'params':>6} {'ours':>7} {'loader':>7} {'':>6} {'tensors':>7} "
        f"{'':>5} {'FLOP/s':>6} {'bytes/s':>7}  test accuracy: ours, loader, tensors"
    )
    # What torch imports when an optimiser is first made is no part of any loop: a second.
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)]).step()
    for domain in args.domains:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "d.safetensors"), Path(folder, "d.json")
            section = study.data_slice(default, domain)
            meta = prepare(domain, section, *files, say=lambda text: None)
            tensors = {name: tensor.clone() for name, tensor in open_tensors(files[0]).items()}
        sizes = default.domains[domain].ladder | BEYOND.get(domain, {})
        first = study.train_slice(default, domain, next(iter(sizes)), "1.0")
        for scale, size in sizes.items():
            if args.sizes and scale not in args.sizes:
                continue
            training = first.training
            if args.epochs:
                training = training.model_copy(update={"epochs": args.epochs})
            spec = replace(
                first, scale=scale, size=family(first.family).complete(size),
                training=training, seeds=first.seeds[: args.seeds],
            )  # fmt: skip
            measure(domain, scale, spec, tensors, meta, peak, bandwidth)


def measure(
    domain: str,
    scale: str,
    spec,
    tensors: dict[str, Tensor],
    meta,
    peak: float,
    bandwidth: float,
) -> None:
    """Train one job here and its seeds by the plain loops; print a line."""
    ours, (record, _) = timed(lambda: run(spec, tensors, meta, lambda text: None))
    members = len(spec.seeds) * len(spec.training.learning_rates)
    seconds, accuracies = [ours / members], [[each.test.accuracy for each in record.seeds]]
    for batches in (loader(tensors), in_memory(tensors)):
        reached, total = [], 0.0
        for seed in spec.seeds:
            torch.manual_seed(seed)
            model = PLAIN[spec.family](meta, spec.size)
            assert sum(p.numel() for p in model.parameters()) == record.params.total
            took, accuracy = timed(
                lambda m=model, b=batches: plain(
                    m, b, record.samples, spec.training, record.learning_rate
                )
            )
            total += took
            reached.append(accuracy)
        seconds.append(total / len(spec.seeds))
        accuracies.append(reached)
    mine, slow, quick = seconds
    flops = record.flops.job / ours / peak
    moved = bytes_per_step(spec, tensors, meta) * record.steps / mine / bandwidth
    print(
        f"{domain:>7} {scale:>4} {record.params.total:>6} {mine:6.3f}s {slow:6.2f}s "
        f"{slow / mine:5.1f}× {quick:6.2f}s {quick / mine:4.1f}× {flops:>6.0%} {moved:>7.0%}  "
        f"{', '.join(map(spread, accuracies))}",
        flush=True,
    )


def spread(values: list[float]) -> str:
    values = torch.tensor(values)
    return f"{values.mean():.4f} ± {values.std():.4f}" if len(values) > 1 else f"{values[0]:.4f}"


if __name__ == "__main__":
    main()
