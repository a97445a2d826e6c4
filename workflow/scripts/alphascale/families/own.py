"""A user's own model, `module:factory`, as a family: found, loaded, built.

The factory is called as factory(meta, **size) and returns an ordinary torch.nn.Module. This is the
one place where alphascale runs code that a study names.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..metrics import TASKS
from ..running.trial import told
from .descriptor import KINDS, Family, Size

if TYPE_CHECKING:
    from torch import nn

    from ..records.data import Meta


def is_own(name: str) -> bool:
    """Whether a family's name is `module:factory`."""
    return re.fullmatch(r"[\w-]+(\.[\w-]+)*:[^\W\d]\w*", name) is not None


def own_family(name: str) -> Family:
    """The descriptor of `module:factory`: it takes any data and any size.

    Its members take turns in one module, which need not know of members.
    """
    return Family(
        name=name,
        title=name,
        description="a model of the user's own",
        kinds=KINDS,
        build=partial(build, name),
        widest=one_by_one,
        cached=0,
        keys=None,
        turned=None,
        step=None,
        together_on_gpu=False,
        tasks=TASKS,
    )


def one_by_one(size: Size, shape: tuple[int, ...], vocabulary: int | None) -> int:
    """Beside a cache of none: members are never computed together."""
    return 1


def build(name: str, members: int, meta: Meta, **size: Any) -> nn.Module:
    """The members of a user's model on the default device."""
    import torch

    from ..networks.plain import Plain

    factory, device = load_factory(name), torch.empty(0).device

    def make() -> nn.Module:
        try:
            # Drawn on the CPU, so that a seed means the same weights on every device.
            with torch.device("meta" if device.type == "meta" else "cpu"):
                module = factory(meta, **size)
        except TypeError as fault:
            raise UserError(f"family {name}: called with size {size}: {told(fault)}") from fault
        if not isinstance(module, torch.nn.Module):
            raise UserError(
                f"family {name}: returned {type(module).__name__}, not a torch.nn.Module"
            )
        return module.to(device)

    return Plain(members, meta, make, name)


def load_factory(name: str) -> Callable[..., nn.Module]:
    """The function that `module:factory` names, the working folder searched first.

    Raises UserError if there is no such module or function.
    """
    module, _, function = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as fault:
        raise UserError(
            f"family {name}: cannot import module {module!r} ({fault}); it is looked for in the "
            "folder that snakemake runs in and among the installed packages"
        ) from None
    except (Exception, SystemExit) as fault:  # whatever a user's file does as it is imported
        raise UserError(f"family {name}: cannot import module {module!r}: {told(fault)}") from None
    make = getattr(found, function, None)
    if not callable(make):
        raise UserError(f"family {name}: module {module!r} has no function {function!r}")
    return make


def factory_file(name: str) -> Path:
    """The file of a user's `module:factory`, found without importing it.

    Raises UserError if no such module lies in the working directory or on the Python path.
    """
    module, _, function = name.partition(":")
    local = Path(*module.split(".")).with_suffix(".py")
    if local.is_file():
        return local.resolve()
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.origin or not found.origin.endswith(".py"):
        raise UserError(
            f"family: no module `{module}`: put {local} into the folder that snakemake "
            f"runs in, or install it, with a function `{function}` inside"
        )
    return Path(found.origin)
