"""An ordinary nn.Module as a model of M members: a user's own, or one of another library.

It knows nothing of members: parameters are stacked, and the members take turns in one module; a
member alone is that module itself, whose parameters are then views of the stacks. What is frozen is
not updated: values that all members share (those of a checkpoint) are held once, in
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
        self._trained = [first[key] for key in self.stacks if key in first]
        self._trained = [each for each in self._trained if each.requires_grad]
        self.alone = members == 1
        self.point()

    def point(self) -> None:
        """Of a member alone: have the module's own parameters and buffers be views of the stacks.

        Without that, every step would put them in anew: 8 % of the time of a BERT of width 64, 25 %
        of a Vision Transformer of width 32.
        """
        if not self.alone:
            return
        module = self._template[0]
        for key, attribute in self.stacks.items():
            stack = getattr(self, attribute)
            if len(stack) != 1:  # the member has ended
                return
            owner, _, last = key.rpartition(".")
            owner = module.get_submodule(owner)
            if last in owner._parameters:
                owner._parameters[last].data = stack.data.squeeze(0)
            else:
                owner._buffers[last] = stack.squeeze(0)

    def leaves(self) -> list[nn.Parameter]:
        """What gradients are taken for, in the order of the parameters."""
        return self._trained if self.alone else list(self.parameters())

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        if self.alone:
            if masks is None:
                return self._checked(self._template[0](x[0]), x).unsqueeze(0)
            with masks.lend(0):
                return self._checked(self._template[0](x[0]), x).unsqueeze(0)
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
        return torch.stack([self._checked(output, x) for output in outputs])

    def _checked(self, output: Tensor, x: Tensor) -> Tensor:
        """What a member's module returned, if it is what it must."""
        expected = (x.shape[1], *self.shape)
        if not isinstance(output, Tensor) or tuple(output.shape) != expected:
            shown = getattr(output, "shape", type(output).__name__)
            raise UserError(
                f"family {self.name}: the model returned {shown} for a batch of {x.shape[1]}; it "
                f"must return logits of shape {list(expected)}: [batch, classes] or, of a language "
                "model, [batch, length, vocabulary]"
            )
        return output

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
