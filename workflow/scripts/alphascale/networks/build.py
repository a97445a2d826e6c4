"""Building an architecture of M members, and drawing their initial weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..families import family
from .draws import generator
from .members import BatchNorm, Layer
from .plain import Plain

if TYPE_CHECKING:
    from ..families.descriptor import Size
    from ..records.data import Meta


def build(name: str, size: Size, meta: Meta, members: int = 1, device: str = "cpu") -> nn.Module:
    """The architecture for `members` members, every parameter and state [members, ...].

    Weights are not drawn yet: see `initialise`. On device "meta" nothing is computed or stored. The
    size's defaults are filled in and nothing is checked: see families/sizes.py. Raises UserError
    for a user's own model that cannot be made.
    """
    found = family(name)
    with torch.device(device):
        return found.build(members, meta, **found.complete(size))


def initialise(model: nn.Module, seeds: list[int]) -> None:
    """Draw each member's weights from its seed alone, on the CPU: the same on every device."""
    drawn: dict[int, dict[str, torch.Tensor]] = {}
    state = model.state_dict()
    for member, seed in enumerate(seeds):
        if seed not in drawn:
            drawn[seed] = _draw(model, seed)
        for name, value in drawn[seed].items():
            state[name][member].copy_(value)


def counted(model: nn.Module) -> Iterator[tuple[str, int]]:
    """(group, numbers) of every parameter of one member: group embedding, head or body."""
    if isinstance(model, Plain):
        yield from model.counted()
        return
    for name, parameter in model.named_parameters():
        first = name.split(".")[0]
        group = first if first in ("embedding", "head") else "body"
        yield group, math.prod(parameter.shape[1:])


def batch_statistics(model: nn.Module) -> bool:
    """Whether a layer normalises by the other samples of a batch: pieces of one then differ."""
    if isinstance(model, Plain):
        return model.batch_statistics()
    return any(isinstance(module, BatchNorm) for module in model.modules())


def _draw(model: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    if isinstance(model, Plain):
        return model.draw_member(seed)
    source = generator(seed, "init")
    return {
        f"{path}.{name}": value
        for path, layer in model.named_modules()
        if isinstance(layer, Layer)
        for name, value in layer.draw(source).items()
    }
