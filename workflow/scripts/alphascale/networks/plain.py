"""An ordinary nn.Module as a model of M members: a user's own, or one of another library.

It knows nothing of members: parameters are stacked, and the members take turns in one module. What
is frozen is not updated: values that all members share (those of a checkpoint) are held once, in
the module itself; others are each member's own, as buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import UserError
from .draws import Masks, stream


class Plain(nn.Module):
    """M members of a module: x [M or 1, B, ...] → logits [M, B, classes].

    Of the module it asks, where it has them: `shared`, the frozen parameters that are the same for
    every member, by name; `group_of(name)`, in which group a parameter counts.
    """

    def __init__(self, members: int, meta, make: Callable[[], nn.Module], name: str):
        super().__init__()
        # In a list, so that its parameters are not this module's: the stacked ones are.
        self._template = [make()]
        self.make, self.name = make, name
        # Of a language model: logits for every token.
        self.shape = (*meta.shape, meta.classes) if meta.kind == "tokens" else (meta.classes,)
        self.stacks: dict[str, str] = {}
        module = self._template[0]
        parameters = dict(module.named_parameters(remove_duplicate=False))
        # Tied parameters appear once: functional_call ties them again.
        first = dict(module.named_parameters())
        apart = getattr(module, "shared", frozenset()) | (parameters.keys() - first.keys())
        for key, value in module.state_dict().items():
            if key in apart:
                continue
            stack = torch.empty(members, *value.shape, dtype=value.dtype, device=value.device)
            stack.copy_(value.expand_as(stack))
            # Dots are not allowed in names; two keys that differ only there cannot both be.
            self.stacks[key] = attribute = "_" + key.replace(".", "/")
            if key in first and first[key].requires_grad:
                self.register_parameter(attribute, nn.Parameter(stack))
            else:
                self.register_buffer(attribute, stack)

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        rows = {key: self._rows(attribute) for key, attribute in self.stacks.items()}
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

    def _rows(self, attribute: str) -> tuple[Tensor, ...]:
        """Each member's own, as views: of one member the gradient then needs no copy."""
        stack = getattr(self, attribute)
        return (stack.squeeze(0),) if len(stack) == 1 else stack.unbind(0)

    def train(self, mode: bool = True) -> Plain:
        self._template[0].train(mode)
        return super().train(mode)

    def draw_member(self, seed: int) -> dict[str, Tensor]:
        """The state of a fresh module made under this seed, by this module's own names."""
        with torch.random.fork_rng():
            torch.manual_seed(stream(seed, "init"))
            state = self.make().state_dict()
        return {attribute: state[key] for key, attribute in self.stacks.items()}

    def counted(self) -> Iterator[tuple[str, int]]:
        """(group, numbers) of every parameter of one member, frozen ones among them, tied ones
        once."""
        for key, value in self._template[0].named_parameters():
            yield self.group_of(key), value.numel()

    def group_of(self, key: str) -> str:
        """embedding (any nn.Embedding), head (below an attribute `head`) or body; as the module
        itself says, where it does."""
        module = self._template[0]
        if hasattr(module, "group_of"):
            return module.group_of(key)
        owner = module.get_submodule(key.rpartition(".")[0])
        if isinstance(owner, (nn.Embedding, nn.EmbeddingBag)):
            return "embedding"
        return "head" if key.split(".")[0] == "head" else "body"

    def batch_statistics(self) -> bool:
        """Whether a layer normalises by the other samples of a batch, as it trains."""
        self.train()
        return any(
            isinstance(module, _BatchNorm) and module.training
            for module in self._template[0].modules()
        )

    def member(self, row: int) -> nn.Module:
        """One member as an ordinary module of its own, on the CPU."""
        module = self.make().cpu()
        # What is shared came with the module; tied parameters are set by the first of them.
        state = {key: getattr(self, name)[row].detach() for key, name in self.stacks.items()}
        module.load_state_dict(state, strict=False)
        return module
