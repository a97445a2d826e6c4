"""All parameters of a member in one row: values [M, P] and gradients [M, P].

Layer weights are strided views of the rows. Thereby the gradient norm of a member is one norm along
a row, the best epoch's snapshot one copy, a checkpoint a few tensors, and the optimiser torch's own
fused kernel over rows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Flat:
    """Owns the parameters of a model with a leading member axis; the model sees views."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.parameters = list(model.parameters())
        # Of a member alone in an ordinary module, that module's own; its gradients stay apart as
        # autograd leaves them: to copy them into a row takes 5 % of a step of ResNet-18.
        self.leaves = model.leaves() if hasattr(model, "leaves") else self.parameters
        self.apart = self.leaves is not self.parameters and model.alone
        self.shapes = [tuple(p.shape[1:]) for p in self.parameters]
        self.values = torch.cat([p.detach().flatten(1) for p in self.parameters], dim=1)
        # What else belongs to a member: running means and variances.
        names = set(model.state_dict()) - {name for name, _ in model.named_parameters()}
        self.buffers = {name: b for name, b in model.named_buffers() if name in names}
        self._point()

    def snapshot(self, rows: Tensor | slice = slice(None)) -> dict[str, Tensor]:
        """A copy of the members' values and buffers."""
        state = {"values": self.values, **self.buffers}
        return {name: tensor[rows].clone() for name, tensor in state.items()}

    def replace(self, snapshot: dict[str, Tensor]) -> None:
        """Go on with the members of a snapshot alone, however many they are."""
        self.values = snapshot["values"].clone()
        for name in self.buffers:
            owner, _, last = name.rpartition(".")
            self.buffers[name] = snapshot[name].clone()
            setattr(self.model.get_submodule(owner), last, self.buffers[name])
        self._point()

    def clip(self, largest: float | None) -> None:
        """Scale each member's gradient down to a norm of at most `largest`."""
        if largest is None:
            return
        if self.apart:
            norms = torch._foreach_norm(self.pieces)
            norm = torch.linalg.vector_norm(torch.stack(norms))
        else:
            norm = torch.linalg.vector_norm(self.grads, dim=1, keepdim=True)
        scale = (largest / (norm + 1e-6)).clamp(max=1.0)
        # A pass less over 11 million gradients is 3 % of a step of ResNet-18; a GPU would have to
        # be waited for to know.
        if not scale.is_cuda and (scale == 1.0).all():
            return
        if self.apart:
            torch._foreach_mul_(self.pieces, scale)
        else:
            self.grads.mul_(scale)

    def backward(self, loss: Tensor, add: bool = False) -> None:
        """Gradients of a scalar into (or added to) the rows; a parameter without any gets zeros."""
        grads = torch.autograd.grad(loss, self.leaves, materialize_grads=True)
        if self.apart:
            if add:
                torch._foreach_add_(self.pieces, grads)
            else:
                self.pieces = [grad.contiguous() for grad in grads]
            return
        rows = [grad.flatten(1) for grad in grads]
        if add:
            self.grads += torch.cat(rows, dim=1)
            return
        # One copy; adding into views of zeroed rows would be one pass more.
        torch.cat(rows, dim=1, out=self.grads)

    def parts(self, rows: Tensor) -> list[Tensor]:
        """What an optimiser updates, of a tensor like `values`: the row of each member, or where
        gradients stay apart one view for each of these."""
        if not self.apart:
            return list(rows)
        sizes = [math.prod(shape) for shape in self.shapes]
        pieces = zip(rows[0].split(sizes), self.shapes, strict=True) if len(rows) else ()
        return [piece.view(shape) for piece, shape in pieces]

    @property
    def gradients(self) -> list[Tensor]:
        """The gradients of `parts`."""
        return self.pieces if self.apart else list(self.grads)

    def _point(self) -> None:
        """Make the model's parameters views of the rows."""
        self.grads = torch.empty(0) if self.apart else torch.zeros_like(self.values)
        self.pieces: list[Tensor] = []
        self.views = self.parts(self.values)
        start = 0
        for parameter, shape in zip(self.parameters, self.shapes, strict=True):
            stop = start + math.prod(shape)
            parameter.data = self.values[:, start:stop].view(-1, *shape)
            start = stop
        if hasattr(self.model, "point"):
            self.model.point()
