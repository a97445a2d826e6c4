"""Memory of answering requests: weights, and what lives at once beside them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from .measure import Server

ON_GPU = "weights, and the most that torch held on the GPU beside them"
ON_CPU = (
    "weights, samples and activations, as torch allocates them; without what kernels take "
    "for themselves, Python and torch"
)


def memory(server: Server) -> tuple[int, int]:
    """Bytes of the weights, and the most at once while a batch is answered."""
    storages = (each.untyped_storage() for each in _held(server.model))
    weights = {each._cdata: each.nbytes() for each in storages}
    held = sum(weights.values())
    batch = server.batch
    if server.device.type == "cuda":
        server.answer(0, batch)
        before = torch.cuda.memory_allocated(server.device)  # by other models too
        torch.cuda.reset_peak_memory_stats(server.device)
        server.answer(0, batch)
        return held, held + torch.cuda.max_memory_allocated(server.device) - before
    with Live({*weights, server.requests.untyped_storage()._cdata}) as live:
        server.answer(0, batch)
    return held, held + server.requests[:1].nbytes * batch + live.most


def _held(model: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers, those of a module that stands behind a member among them."""
    for module in [model, *getattr(model, "_template", ())]:
        yield from module.parameters()
        yield from module.buffers()


class Live(TorchDispatchMode):
    """Bytes of the tensors that live at once, but for `known` storages, by their address."""

    def __init__(self, known: set[int]):
        super().__init__()
        self.seen = known
        self.now = self.most = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if isinstance(each, Tensor):
                self._add(each.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.seen:
            self.seen.add(key)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size
