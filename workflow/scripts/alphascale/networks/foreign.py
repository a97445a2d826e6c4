"""A model of another library as one that `Plain` takes: its inputs, what of it trains, its groups.

What is drawn: all of a model from scratch; of one with weights only what the checkpoint does not
hold, the head always among it. Of that, each member's seed decides; the checkpoint's own values are
the same for all.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import UserError
from ..families.descriptor import Size
from ..running.trial import told
from .plain import Plain


class Eye(nn.Module):
    """Images as a network takes them, from those normalised by the data's own mean and deviation.

    x [B, C, H, W] → [B, channels, H', W']: normalised by a checkpoint's mean and deviation, of grey
    images three equal channels, resized bilinearly. Each is left out where it changes nothing.
    """

    def __init__(
        self,
        meta,
        channels: int | None = None,
        size: tuple[int, int] | None = None,
        mean: list[float] | None = None,
        std: list[float] | None = None,
    ):
        """mean, std: of the checkpoint, in shares of the brightest value."""
        super().__init__()
        own = meta.shape[0]
        self.channels = own if channels is None else channels
        if own not in (1, self.channels):
            raise UserError(f"images have {own} channels and the network takes {self.channels}")
        self.size = None if size in (None, tuple(meta.shape[1:])) else size
        scale = shift = None
        if mean is not None:
            theirs, deviation = torch.tensor(mean), torch.tensor(std)
            ours = torch.tensor(meta.mean), torch.tensor(meta.std)
            scale = (ours[1] / 255 / deviation).view(-1, 1, 1)
            shift = ((ours[0] / 255 - theirs) / deviation).view(-1, 1, 1)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def statistics(self, meta) -> tuple[list[float], list[float]]:
        """Mean and deviation by which the network's images are normalised, in shares of the
        brightest value."""
        mean, std = torch.tensor(meta.mean) / 255, torch.tensor(meta.std) / 255
        if self.scale is not None:
            scale, shift = self.scale.flatten().cpu(), self.shift.flatten().cpu()
            std, mean = std / scale, mean - shift * std / scale
        return mean.tolist(), std.tolist()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.channels:
            x = x.expand(-1, self.channels, -1, -1)
        if self.scale is not None:
            x = torch.addcmul(self.shift, x, self.scale)
        if self.size is not None:
            x = F.interpolate(x, self.size, mode="bilinear", antialias=True)
        return x


class Foreign(nn.Module):
    """One model of another library: forward(x) gives its logits.

    call: from (model, x) to logits. head: names of the model's parameters that are its head.
    embedding: of those that count as embedding beside every nn.Embedding. given: of those whose
    values are a checkpoint's; None from scratch. save: called as save(model, folder).
    """

    def __init__(
        self,
        model: nn.Module,
        call: Callable[[nn.Module, Tensor], Tensor],
        head: set[str],
        embedding: set[str] = frozenset(),
        given: set[str] | None = None,
        eye: Eye | None = None,
        save: Callable[[nn.Module, str], None] | None = None,
    ):
        super().__init__()
        self.model, self.call, self.eye, self.saving = model, call, eye, save
        owners = [m for m in model.modules() if isinstance(m, (nn.Embedding, nn.EmbeddingBag))]
        embedding = embedding | below(model, owners)
        self.marked = {"head": head, "embedding": embedding, "given": given or set()}
        self.marked = {
            mark: {f"model.{name}" for name in names} for mark, names in self.marked.items()
        }

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.model, x if self.eye is None else self.eye(x))

    def group_of(self, name: str) -> str:
        """embedding, head or body."""
        groups = ("embedding", "head")
        return next((group for group in groups if name in self.marked[group]), "body")

    @property
    def shared(self) -> set[str]:
        """Frozen values of the checkpoint, by name: no member has its own."""
        named = self.named_parameters(remove_duplicate=False)
        return {name for name, each in named if not each.requires_grad} & self.marked["given"]

    def train(self, mode: bool = True) -> Foreign:
        """As every module; what is frozen keeps the checkpoint's statistics too."""
        super().train(mode)
        for module in self.modules():
            frozen = [not each.requires_grad for each in module.parameters(recurse=False)]
            if isinstance(module, _BatchNorm) and frozen and all(frozen):
                module.eval()
        return self

    def tune(self, how: str, rank: int, targets: list[str], name: str) -> None:
        """Freeze what `how` does not train: nothing of `whole`, the checkpoint's values of `head`;
        of `lora` these too, beside the additions that are made here."""
        if how == "whole":
            return
        if how == "lora":
            self._add_lora(rank, targets, name)
        for name, parameter in self.named_parameters():
            held = name in self.marked["given"] and name not in self.marked["head"]
            parameter.requires_grad_(not held)

    def _add_lora(self, rank: int, targets: list[str], name: str) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        before = {id(each): n for n, each in self.named_parameters(remove_duplicate=False)}
        try:
            config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets or None)
            inject_adapter_in_model(config, self.model)
        except ValueError as fault:
            raise UserError(
                f"targets: {name}: LoRA finds no layer to add to ({told(fault)}): name the ends of "
                "some layers' names, as `targets: [query, value]`"
            ) from None
        # What it wraps, it renames.
        for now, each in self.named_parameters(remove_duplicate=False):
            for names in self.marked.values():
                if before.get(id(each)) in names:
                    names.add(now)

    def save(self, folder: str) -> None:
        """Write the weights into a folder, additions of LoRA merged into what they are added to."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        for name, module in list(self.model.named_modules()):
            if isinstance(module, BaseTunerLayer):
                module.merge()
                owner, _, last = name.rpartition(".")
                setattr(self.model.get_submodule(owner), last, module.get_base_layer())
        self.saving(self.model, folder)


def members_of(members: int, meta, make: Callable[[], Foreign], family: str, size: Size) -> Plain:
    """The members of a foreign model on the default device."""
    device = torch.empty(0).device

    def made() -> Foreign:
        # Drawn on the CPU, so that a seed means the same weights on every device.
        with torch.device("meta" if device.type == "meta" else "cpu"):
            module = make()
            module.tune(
                size.get("tune", "whole"),
                size.get("rank", 8),
                size.get("targets", []),
                str(size.get("name", size.get("model_type", "the checkpoint"))),
            )
        return module.to(device)

    return Plain(members, meta, made, family)


def below(model: nn.Module, owners: list[nn.Module]) -> set[str]:
    """Names of the parameters that some parts of a model own."""
    own = {id(parameter) for module in owners for parameter in module.parameters()}
    named = model.named_parameters(remove_duplicate=False)
    return {name for name, parameter in named if id(parameter) in own}


def save_state(model: nn.Module, folder: str) -> None:
    """Write the weights as `model.safetensors`, by the library's own names."""
    from safetensors.torch import save_model

    save_model(model, f"{folder}/model.safetensors")
