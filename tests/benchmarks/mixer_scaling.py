"""Time and memory of the token mixers against length: ResNet-BK's resolvent beside attention.

    python tests/benchmarks/mixer_scaling.py [--device cuda]

One mixer, forward and backward, width 128, 8,192 tokens a batch whatever the length, one thread:
linear means the same time per token. `resnet_bk`: Linear d → 1, the resolvent's diagonal, Linear
2 → d, as in a layer but without its experts. `attention`: four products with d × d weights around
causal attention, in its fused kernel and written out (T × T scores). Memory is what autograd keeps
between forward and backward, exactly, by its saved-tensor hooks; inside its own kernels it does not
look. Printed on two CPU cores, one of them used:

    µs per token (MB kept)           512         1,024         2,048         4,096         8,192
    resnet_bk sequential        0.72 (4)      0.95 (4)      1.49 (4)      2.49 (4)      4.45 (4)
    resnet_bk windows           0.51 (4)      0.52 (4)      0.54 (4)      0.58 (4)      0.53 (4)
    resnet_bk scan              0.77 (4)      0.78 (4)      0.83 (4)      0.83 (4)      0.88 (4)
    attention fused           26.07 (21)    37.28 (21)    58.93 (21)   101.14 (21)   176.50 (21)
    attention written out    99.00 (156)  190.24 (291)  428.07 (562) 815.21 (1112)             -

The recursion step by step does the same work at every length, but on ever fewer sequences at once,
so that the cost of starting each step shows; `windows` is what a CPU takes beyond 128 tokens.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from alphascale.networks.members import Linear
from alphascale.networks.resolvent import METHODS, resolvent

WIDTH, HEADS, TOKENS = 128, 8, 8192
LENGTHS = (512, 1024, 2048, 4096, 8192)
SECONDS = 1.0  # of measuring, per mixer and length; the fastest repeat counts


def linear(inputs: int, outputs: int, device: str) -> Linear:
    layer = Linear(1, inputs, outputs).to(device)
    source = torch.Generator().manual_seed(0)
    for name, value in layer.draw(source).items():
        getattr(layer, name).data[0] = value
    return layer


def resnet_bk(device: str, method: str) -> Callable[[Tensor], Tensor]:
    potential, mix = linear(WIDTH, 1, device), linear(2, WIDTH, device)

    def run(x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        v = potential(x.view(1, -1, WIDTH)).clamp(-3, 3).view(batch, length)
        return mix(resolvent(v - 2, True, method).view(1, -1, 2)).view_as(x)

    return run


def attention(device: str, fused: bool) -> Callable[[Tensor], Tensor]:
    qkv, out = linear(WIDTH, 3 * WIDTH, device), linear(WIDTH, WIDTH, device)

    def run(x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        parts = qkv(x.view(1, -1, WIDTH)).view(batch, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        if fused:
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            later = torch.ones(length, length, dtype=torch.bool, device=device).triu(1)
            scores = query @ key.transpose(2, 3) / (WIDTH // HEADS) ** 0.5
            mixed = scores.masked_fill(later, -torch.inf).softmax(-1) @ value
        return out(mixed.transpose(1, 2).reshape(1, -1, WIDTH)).view_as(x)

    return run


def measure(
    mixer: Callable[[Tensor], Tensor], length: int, device: str, tokens: int = TOKENS,
    seconds: float = SECONDS,
) -> tuple[float, float]:  # fmt: skip
    """(µs per token, MB kept for the backward pass) of forward and backward."""
    x = torch.randn(tokens // length, length, WIDTH, device=device, requires_grad=True)
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        mixer(x).sum().backward()

    def once() -> float:
        clock = time.perf_counter if device == "cuda" else time.process_time
        start = clock()
        mixer(x).sum().backward()
        if device == "cuda":
            torch.cuda.synchronize()
        return clock() - start

    times = [once()]
    while sum(times) < seconds or len(times) < 2:
        times.append(once())
    return 1e6 * min(times) / tokens, sum(kept.values()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    device = parser.parse_args().device
    torch.set_num_threads(1)
    mixers = {f"resnet_bk {method}": resnet_bk(device, method) for method in METHODS}
    mixers["attention fused"] = attention(device, fused=True)
    mixers["attention written out"] = attention(device, fused=False)
    print(f"device: {torch.cuda.get_device_name() if device == 'cuda' else 'cpu'}")
    print(f"{'µs per token (MB kept)':22}" + "".join(f"{n:>14,}" for n in LENGTHS))
    for name, mixer in mixers.items():
        cells = []
        for length in LENGTHS:
            # Scores of 8 heads: 8,192² × 8 × 4 bytes is 2 GB, several times over.
            if name.endswith("out") and length > 4096:
                cells.append("-")
                continue
            time_, memory = measure(mixer, length, device)
            cells.append(f"{time_:.2f} ({memory:.0f})")
        print(f"{name:22}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
