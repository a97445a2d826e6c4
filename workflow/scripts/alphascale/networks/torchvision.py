"""Image classifiers of torchvision by name. Their last linear layer is the head."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..data.fetch import fetch, folder_of
from ..errors import UserError, first_line
from ..families.descriptor import Size
from ..families.foreign import DIGEST, located
from ..families.torchvision import KEYS
from .foreign import Eye, Foreign, below, members_of, save_state
from .plain import Plain

if TYPE_CHECKING:
    from ..records.data import Meta

CHANNELS = 3  # that the models are made for


def build_members(members: int, meta: Meta, size: Size) -> Plain:
    """The members of a torchvision model on the default device; UserError for one that cannot
    be."""
    return members_of(members, meta, lambda: make(meta, size), "torchvision", size)


def make(meta: Meta, size: Size) -> Foreign:
    """One model on the device of the context, from torch's global generator."""
    from torchvision import models

    name = size["name"]
    known = models.list_models(module=models)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(known)}"
        raise UserError(f"name: torchvision has no classifier {name!r}; {hint}")
    side = size.get("resize")
    weights, eye = size.get("weights"), None
    if weights is None:
        model = _made(meta, size, side or meta.shape[-1])
        channels = meta.shape[0]
        _take_channels(model, channels)
        eye = Eye(meta, channels, None if side is None else (side, side))
        given = None
    else:
        state, crop, mean, std = _weights(name, weights)
        side = side or crop
        model = _made(meta, size, side or meta.shape[-1])
        eye = Eye(meta, CHANNELS, None if side is None else (side, side), mean, std)
        given = _take_over(model, state, name)
    return Foreign(model, _see, below(model, [_head(model)]), given=given, eye=eye, save=save_state)


def _made(meta: Meta, size: Size, side: int) -> nn.Module:
    """The model with the data's classes; of a Vision Transformer also with their side."""
    from torchvision import models

    name, own = size["name"], {k: v for k, v in size.items() if k not in KEYS}
    builder = models.get_model_builder(name)
    if "width" in size:
        own["width_mult"] = size["width"]
        if not name.startswith("mobilenet"):
            raise UserError(f"width: torchvision's {name} has no multiplier of its channels")
    if name.startswith("vit_"):
        own.setdefault("image_size", side)
    if name in ("googlenet", "inception_v3"):  # else they return two more heads as they train
        own |= {"aux_logits": False, "init_weights": True}
        if "weights" in size:  # they want their images about one half: the model sees to that
            own.setdefault("transform_input", True)
    try:
        return builder(weights=None, num_classes=meta.classes, **own)
    except Exception as fault:  # whatever the library finds wrong with it
        keys = ", ".join(k for k in own) or "no keys"
        raise UserError(f"{name}: with {keys}: {first_line(fault)}") from None


def _take_channels(model: nn.Module, channels: int) -> None:
    """Make the first convolution anew for images of so many channels."""
    if channels == CHANNELS:
        return
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == CHANNELS:
            names = inspect.signature(nn.Conv2d.__init__).parameters
            same = {key: getattr(module, key) for key in names if hasattr(module, key)}
            same |= {"in_channels": channels, "bias": module.bias is not None}
            owner, _, last = name.rpartition(".")
            setattr(model.get_submodule(owner), last, nn.Conv2d(**same))
            return


def _head(model: nn.Module) -> nn.Module:
    """The last layer that has weights: linear, or a convolution (SqueezeNet)."""
    layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    return layers[-1]


def _weights(
    name: str, weights: str
) -> tuple[dict[str, Tensor], int | None, list[float], list[float]]:
    """State, side of the images, mean and deviation of weights by name, or of a file: it is taken
    to want images as torchvision's own weights of that model do."""
    from torchvision import models

    kinds = models.get_model_weights(name)
    if weights.startswith(DIGEST):
        preset = kinds.DEFAULT.transforms()
        return (
            read_state(located(weights)),
            preset.crop_size[0],
            list(preset.mean),
            list(preset.std),
        )
    known = list(kinds.__members__)
    if weights not in known:
        raise UserError(
            f"weights: torchvision has none named {weights!r} for {name}: {', '.join(known)}; of "
            "your own, give the path of a file that is there"
        )
    one = kinds[weights]
    file = one.url.rpartition("/")[2]
    preset = one.transforms()
    state = fetch(
        f"weights {weights} of {name}",
        one.url,
        f"put {file} into {folder_of(None)}/ and give `weights: {file}`",
        lambda: one.get_state_dict(progress=False, check_hash=True),
        key="weights",
    )
    return state, preset.crop_size[0], list(preset.mean), list(preset.std)


def read_state(path: str) -> dict[str, Tensor]:
    """A file of weights, safetensors or torch's own; nothing but tensors is read."""
    from safetensors.torch import load_file

    try:
        if path.endswith(".safetensors"):
            return load_file(path)
        with torch.device("cpu"):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:
        raise UserError(f"weights: {path} cannot be read ({first_line(fault)})") from None
    return state.get("state_dict", state)


def _take_over(model: nn.Module, state: dict[str, Tensor], name: str) -> set[str]:
    """Load weights but for the head, which is drawn; names of the parameters that were."""
    own, head = model.state_dict(), below(model, [_head(model)])
    fits = {
        key: value
        for key, value in state.items()
        if key in own and key not in head and own[key].shape == value.shape
    }
    parameters = set(dict(model.named_parameters()))
    lacking = sorted(parameters - head - fits.keys())
    if lacking:
        raise UserError(
            f"weights: {len(lacking)} of the {len(parameters)} parameters of {name} are not in the "
            f"file, or of another shape (first: {lacking[0]}): it is of another model or size"
        )
    if not next(model.parameters()).is_meta:
        model.load_state_dict(fits, strict=False)
    return parameters - head


def _see(model: nn.Module, x: Tensor) -> Tensor:
    found: Any = model(x)
    return found
