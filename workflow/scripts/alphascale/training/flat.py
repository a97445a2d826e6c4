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
        if largest is not None:
            norm = torch.linalg.vector_norm(self.grads, dim=1, keepdim=True)
            self.grads.mul_((largest / (norm + 1e-6)).clamp(max=1.0))

    def backward(self, loss: Tensor, add: bool = False) -> None:
        """Gradients of a scalar into (or added to) the rows; a parameter without any gets zeros."""
        grads = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        if add:
            self.grads += torch.cat([grad.flatten(1) for grad in grads], dim=1)
            return
        # One copy; adding into views of zeroed rows would be one pass more.
        torch.cat([grad.flatten(1) for grad in grads], dim=1, out=self.grads)

    def _point(self) -> None:
        """Make the model's parameters views of the rows."""
        self.grads = torch.zeros_like(self.values)
        start = 0
        for parameter, shape in zip(self.parameters, self.shapes, strict=True):
            stop = start + math.prod(shape)
            parameter.data = self.values[:, start:stop].view(-1, *shape)
            start = stop
