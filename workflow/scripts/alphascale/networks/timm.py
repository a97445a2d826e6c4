"""Image classifiers of timm by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..data.fetch import fetch, folder_of
from ..errors import UserError, first_line
from ..families.descriptor import Size
from ..families.foreign import DIGEST, located
from ..families.timm import KEYS
from .foreign import Eye, Foreign, below, members_of, save_state
from .plain import Plain
from .torchvision import _see

if TYPE_CHECKING:
    from ..records.data import Meta


def build_members(members: int, meta: Meta, size: Size) -> Plain:
    """The members of a timm model on the default device; UserError for one that cannot be."""
    return members_of(members, meta, lambda: make(meta, size), "timm", size)


def make(meta: Meta, size: Size) -> Foreign:
    """One model on the device of the context, from torch's global generator."""
    import timm

    name, side = size["name"], size.get("resize")
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "see `timm.list_models()`"
        raise UserError(f"name: timm has no model {name!r}; {hint}")
    own = {key: value for key, value in size.items() if key not in KEYS}
    own |= {"num_classes": meta.classes, "in_chans": meta.shape[0]}
    weights, given, mean, std = size.get("weights"), None, None, None
    if weights is None:
        side = side or own.get("img_size")
        model = _sized(name, side or tuple(meta.shape[1:]), own)
        eye = Eye(meta, meta.shape[0], None if side is None else _square(side))
    else:
        model, given = _with_weights(name, weights, own, side)
        config = model.pretrained_cfg
        mean, std = (_channels(config[key], meta.shape[0]) for key in ("mean", "std"))
        eye = Eye(meta, meta.shape[0], _square(side or config["input_size"][1:]), mean, std)
    head = below(model, _heads(model))
    given = None if given is None else given - head
    return Foreign(model, _see, head, given=given, eye=eye, save=save_state)


def _sized(name: str, side: int | tuple[int, int], own: Size, **more) -> nn.Module:
    """The model for images of a side, where it must know that; as it is else."""
    import timm

    faults = []
    for size in ({"img_size": side}, {}):
        try:
            return timm.create_model(name, **own | size, **more)
        except TypeError as fault:  # a convolutional network takes any
            faults.append(fault)
        except Exception as fault:
            raise UserError(f"{name}: {first_line(fault)}") from None
    raise UserError(f"{name}: {first_line(faults[-1])}")


def _with_weights(
    name: str, weights: str, own: Size, side: int | None
) -> tuple[nn.Module, set[str]]:
    """The model with weights, and the names of its parameters. Of images with other channels than
    three, timm adds up or repeats the weights of the first layer."""
    import timm

    options = dict(own) | ({"img_size": side} if side else {})
    meta = torch.empty(0).device.type == "meta"

    def create(**how) -> nn.Module:
        with torch.device("cpu"):
            return timm.create_model(name, **options, **how)

    try:
        if weights.startswith(DIGEST):
            model = create(pretrained=True, pretrained_cfg_overlay={"file": located(weights)})
        elif weights == "DEFAULT":
            by_hand = f"put its model.safetensors into {folder_of(None, name)}.safetensors and "
            by_hand += f"give `weights: {name}.safetensors`"
            try:
                with _offline():
                    model = create(pretrained=True)
            except (OSError, RuntimeError, ValueError):
                model = fetch(
                    f"weights of {name}", "https://huggingface.co", by_hand,
                    lambda: create(pretrained=True), key="weights",
                )  # fmt: skip
        else:
            raise UserError(
                f"weights: {weights!r} is no file here; `DEFAULT` are those that timm has for "
                f"{name}"
            )
    except UserError:
        raise
    except Exception as fault:
        raise UserError(f"weights: {name}: {first_line(fault)}") from None
    names = {each for each, _ in model.named_parameters()}
    return model.to("meta") if meta else model, names


@contextmanager
def _offline() -> Iterator[None]:
    """The hub's cache alone: without a network the hub would be tried for a minute."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _heads(model: nn.Module) -> list[nn.Module]:
    found = model.get_classifier()
    return list(found) if isinstance(found, (tuple, list)) else [found]


def _channels(values: tuple[float, ...], channels: int) -> list[float]:
    """A mean or deviation of three colours for images of so many channels: of grey, their mean."""
    if len(values) == channels:
        return list(values)
    return [sum(values) / len(values)] * channels


def _square(side: int | tuple[int, int]) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else tuple(side)
