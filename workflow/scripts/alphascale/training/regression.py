"""A number for each sample, as a task of the training loop."""

from __future__ import annotations

from torch import Tensor

from ..records.training import Scores
from .classification import Classification


class Regression(Classification):
    """The label is trained in its standard deviations about its mean, both of the training part.

    The loss is the mean square error, thereby a share of the training labels' variance: that of
    always naming their mean is 1. What stands in place of the accuracy is the share explained, 1
    less the loss.
    """

    def __init__(self, tensors: dict[str, Tensor], meta, *args, **options):
        wanted = {
            name: ((tensor.double() - meta.centre) / meta.spread).float()
            if name.endswith("_y")
            else tensor
            for name, tensor in tensors.items()
        }
        super().__init__(wanted, meta, *args, **options)

    def losses(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean square error [M] and summed explained shares [M] of outputs [M, B, 1], y [M, B]."""
        square = (logits.float().squeeze(2) - y) ** 2
        return square.mean(1), (1 - square.detach()).sum(1)

    def class_weights(self) -> None:
        """Numbers have no classes to weigh."""

    def scores(self, loss: float, right: float) -> Scores:
        return Scores(loss, None, None)
