"""A user's own model: `module:factory`, called as factory(meta, **size), an ordinary nn.Module.

It knows nothing of members: parameters are stacked, and the members take turns in one module.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..errors import UserError
from .draws import Masks, stream


class Plain(nn.Module):
    """M members of a user's module: x [M or 1, B, ...] → logits [M, B, classes]."""

    def __init__(self, members: int, meta, make: Callable[[], nn.Module], name: str):
        super().__init__()
        # In a list, so that its parameters are not this module's: the stacked ones are.
        self._template = [make()]
        self.make, self.name = make, name
        # Of a language model: logits for every token.
        self.shape = (*meta.shape, meta.classes) if meta.kind == "tokens" else (meta.classes,)
        self.stacks: dict[str, str] = {}
        for key, value in self._template[0].state_dict().items():
            stack = torch.empty(members, *value.shape, dtype=value.dtype, device=value.device)
            stack.copy_(value.expand_as(stack))
            # Dots are not allowed in names; two keys that differ only there cannot both be.
            self.stacks[key] = attribute = "_" + key.replace(".", "/")
            if key in dict(self._template[0].named_parameters(remove_duplicate=False)):
                self.register_parameter(attribute, nn.Parameter(stack))
            else:
                self.register_buffer(attribute, stack)
        # Tied parameters appear once: functional_call ties them again.
        for key in self._duplicates():
            delattr(self, self.stacks.pop(key))

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        rows = {key: getattr(self, attribute).unbind(0) for key, attribute in self.stacks.items()}
        members = len(next(iter(rows.values())))
        outputs = []
        for member in range(members):
            state = {key: row[member] for key, row in rows.items()}
            row = x[member if len(x) == members else 0]
            if masks is None:
                outputs.append(functional_call(self._template[0], state, (row,)))
            else:
                with masks.lend(member):
                    outputs.append(functional_call(self._template[0], state, (row,)))
        expected = (x.shape[1], *self.shape)
        if not isinstance(outputs[0], Tensor) or tuple(outputs[0].shape) != expected:
            shown = getattr(outputs[0], "shape", type(outputs[0]).__name__)
            raise UserError(
                f"family {self.name}: the model returned {shown} for a batch of {x.shape[1]}; it "
                f"must return logits of shape {list(expected)}: [batch, classes] or, of a language "
                "model, [batch, length, vocabulary]"
            )
        return torch.stack(outputs)

    def train(self, mode: bool = True) -> Plain:
        self._template[0].train(mode)
        return super().train(mode)

    def draw_member(self, seed: int) -> dict[str, Tensor]:
        """The state of a fresh module made under this seed, by this module's own names."""
        with torch.random.fork_rng():
            torch.manual_seed(stream(seed, "init"))
            state = self.make().state_dict()
        return {attribute: state[key] for key, attribute in self.stacks.items()}

    def group_of(self, attribute: str) -> str:
        """embedding (any nn.Embedding), head (below an attribute `head`) or body."""
        key = next(key for key, name in self.stacks.items() if name == attribute)
        owner = self._template[0].get_submodule(key.rpartition(".")[0])
        if isinstance(owner, (nn.Embedding, nn.EmbeddingBag)):
            return "embedding"
        return "head" if key.split(".")[0] == "head" else "body"

    def _duplicates(self) -> list[str]:
        module = self._template[0]
        first = dict(module.named_parameters())
        return [k for k, _ in module.named_parameters(remove_duplicate=False) if k not in first]
