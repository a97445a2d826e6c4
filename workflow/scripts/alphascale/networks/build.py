"""The table of families, and building: an architecture of M members, and their initial weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..errors import UserError
from .cnn import CNN
from .members import Layer
from .mlp import MLP
from .noise import generator
from .plain import Plain, load_factory
from .resnet_bk import ResNetBK
from .sizes import check_kind, check_size
from .transformer import Transformer
from .transformer_lm import TransformerLM

if TYPE_CHECKING:
    from ..data.store import Meta

# name → module class, called as (members, meta, **size); module(x, noise) gives [M, B, classes], of
# a language model [M, B, length, vocabulary].
FAMILIES: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "cnn": CNN,
    "transformer": Transformer,
    "transformer_lm": TransformerLM,
    "resnet_bk": ResNetBK,
}


def build(
    family: str, size: dict[str, Any], meta: Meta, members: int = 1, device: str = "cpu"
) -> nn.Module:
    """The architecture for `members` members, every parameter and state [members, ...].

    Weights are not drawn yet: see `initialise`. On device "meta" nothing is computed or stored.
    Raises UserError for an unknown key, a wrong value or a kind of data the family cannot take.
    """
    size = check_size(family, size)
    check_kind(family, meta.kind)
    if ":" in family:
        return Plain(members, meta, _maker(family, size, meta, device), family)
    with torch.device(device):
        return FAMILIES[family](members, meta, **size)


def initialise(model: nn.Module, seeds: list[int]) -> None:
    """Draw each member's weights from its seed alone, on the CPU: the same on every device."""
    drawn: dict[int, dict[str, torch.Tensor]] = {}
    state = model.state_dict()
    for member, seed in enumerate(seeds):
        if seed not in drawn:
            drawn[seed] = _draw(model, seed)
        for name, value in drawn[seed].items():
            state[name][member].copy_(value)


def group_of(model: nn.Module, name: str) -> str:
    """Which group a parameter counts in: embedding, head or body."""
    if isinstance(model, Plain):
        return model.group_of(name)
    first = name.split(".")[0]
    return first if first in ("embedding", "head") else "body"


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


def _maker(family: str, size: dict[str, Any], meta: Meta, device: str) -> Callable[[], nn.Module]:
    factory = load_factory(family)

    def make() -> nn.Module:
        try:
            # Drawn on the CPU, so that a seed means the same weights on every device.
            with torch.device("meta" if device == "meta" else "cpu"):
                module = factory(meta, **size)
        except TypeError as fault:
            raise UserError(f"family {family}: called with size {size}: {fault}") from fault
        if not isinstance(module, nn.Module):
            raise UserError(
                f"family {family}: returned {type(module).__name__}, not a torch.nn.Module"
            )
        return module.to(device)

    return make
