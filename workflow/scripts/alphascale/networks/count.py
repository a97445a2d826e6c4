"""Parameters by group and FLOPs by sample, counted on an architecture that is really built."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ..families import family as family_of
from ..records.files import canonical_json
from .build import build, counted

if TYPE_CHECKING:
    from ..families.descriptor import Size
    from ..records.data import Meta

COUNTED_BY = (
    "torch's FLOP formulas over every operation of one forward and backward pass: matrix products "
    "and convolutions, 2 per multiply-add"
)
# Above this many parameters, FLOPs are counted without computing. Below, one small pass is run: it
# takes milliseconds, where the meta device imports torch._dynamo, 1.1 s of CPU in every job.
SMALL = 20_000_000


def count_params(family: str, size: Size, meta: Meta) -> dict[str, int]:
    """Parameters of one member: total, non_embedding (total − embedding), embedding, body, head."""
    if not family_of(family).others:
        return _count_params(family, size, meta)
    # Of a library's model, once in a process: a checkpoint is read to be counted.
    complete = canonical_json(family_of(family).complete(size))
    data = (meta.kind, meta.task, meta.classes, meta.shape, meta.vocabulary, meta.pad, meta.mean)
    key = (family, complete, *data)
    if key not in _counted:
        _counted[key] = _count_params(family, size, meta)
    return dict(_counted[key])


_counted: dict[tuple[Any, ...], dict[str, int]] = {}


def _count_params(family: str, size: Size, meta: Meta) -> dict[str, int]:
    model = build(family, size, meta, device="meta")
    groups = {"embedding": 0, "body": 0, "head": 0}
    for group, numbers in counted(model):
        groups[group] += numbers
    total = sum(groups.values())
    return {"total": total, "non_embedding": total - groups["embedding"], **groups}


def count_flops(
    family: str, size: Size, meta: Meta, members: int = 1, batch: int = 2
) -> dict[str, int]:
    """FLOPs per sample and member: `forward`, and `training` = forward + backward.

    The backward pass is counted as it runs: no gradient is taken for the input. Attention is
    counted in its explicit form, because the counter sees nothing of the fused CPU kernel: all T²
    pairs, for causal attention too, which computes and masks the later half.
    """
    device = "cpu" if count_params(family, size, meta)["total"] * members <= SMALL else "meta"
    model = build(family, size, meta, members=members, device=device).train()
    dtype = torch.int64 if meta.kind in ("text", "tokens") else torch.float32
    x = torch.zeros(members, batch, *meta.shape, dtype=dtype, device=device)
    with sdpa_kernel(SDPBackend.MATH), Counter() as counter:
        logits = model(x).flatten(0, -2)
        target = torch.zeros(len(logits), dtype=torch.int64, device=device)
        loss = F.cross_entropy(logits, target)
        forward = counter.flops
        loss.backward()
    samples = members * batch
    # What has no formula in torch, a recursion written out by hand, its model counts by itself.
    ahead, back = getattr(model, "uncounted_flops", lambda length: (0, 0))(meta.shape[-1])
    return {
        "forward": forward // samples + ahead,
        "training": counter.flops // samples + ahead + back,
    }


class Counter(TorchDispatchMode):
    """Sums torch's FLOP formula of every operation that has one, as FlopCounterMode does.

    Torch's own mode would be the same number for 1.1 s more: it imports torch._dynamo.
    """

    flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        formula = flop_registry.get(operation._overloadpacket)
        if formula is None and operation is not torch.ops.prim.device.default:
            # An operation made of others counts as these.
            with self:
                parts = operation.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        result = operation(*args, **kwargs)
        if operation._overloadpacket is torch.ops.aten.convolution_backward:
            self.flops += _conv_backward(*args)
        elif formula is not None:
            self.flops += formula(*args, **kwargs, out_val=result)
        return result


def _conv_backward(
    grad: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *rest: Any
) -> int:  # fmt: skip
    """As many products for each gradient as forward: torch's own formula forgets that groups do
    not mix, and counts a depthwise convolution once for every channel."""
    transposed, output_mask = rest[4], rest[7]
    places = math.prod((x if transposed else grad).shape[2:]) * x.shape[0]
    forward = 2 * places * math.prod(weight.shape)
    return forward * sum(output_mask[:2])
