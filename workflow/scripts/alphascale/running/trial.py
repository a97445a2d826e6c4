"""A model of the user's own, or of another library, tried before anything trains: every size built,
counted and run once.

What is wrong with it then ends in one line that names the size and the line of the user's file, and
no hour of training was spent on the sizes that happened to be right.
"""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError, quoted

if TYPE_CHECKING:
    from ..records.data import Meta

PACKAGE = Path(__file__).resolve().parents[1]
# Samples of a trial's batch: batch norm needs two.
BATCH = 2
# What a model must be able to do beside training, and few know of.
META = (
    "; to be counted, a model is also made on torch's device `meta`, where tensors have a shape "
    "and no values to decide by"
)


def try_model(domain: str, name: str, sizes: Mapping[str, dict[str, Any]], meta: Meta) -> None:
    """Try a family at every size of a domain, by the name that it has there.

    Raises UserError for the first that cannot be trained.
    """
    from ..families import family

    if trial := family(name).trial:
        try:
            trial(dict(sizes), meta)
        except UserError as fault:
            raise UserError(f"domains.{domain}.ladder: {fault}") from None
    for scale, size in sizes.items():
        where = f"domains.{domain}.family: {name}, {scale} {quoted(size)}"
        try:
            _try(name, size, meta)
        except UserError as fault:
            text = str(fault).removeprefix(f"family {name}: ")
            raise UserError(f"{where}: {text}") from None
        except (Exception, SystemExit) as fault:
            hint = META if "meta tensor" in str(fault) else ""
            if meta.kind == "image" and "resize" in (family(name).keys or ()):
                side = "×".join(map(str, meta.shape[1:]))
                hint = f"; images are {side}: `resize` has them resized, where that is too small"
            raise UserError(f"{where}: {told(fault)}{hint}") from None


def told(fault: BaseException) -> str:
    """What went wrong in somebody's code, and in which line of it."""
    if isinstance(fault, SyntaxError):
        return f"{fault.filename}, line {fault.lineno}: not Python that can be read ({fault.msg})"
    text = str(fault).strip().splitlines()
    shown = f"{type(fault).__name__}: {text[0]}" if text else type(fault).__name__
    if isinstance(fault, SystemExit):
        shown = f"it ends the program (SystemExit: {fault.code!r}), which a model must not"
    own = [
        frame
        for frame in traceback.extract_tb(fault.__traceback__)
        if "site-packages" not in frame.filename
        and not frame.filename.startswith(("<", str(PACKAGE), sys.base_prefix))
    ]
    return f"{shown} ({own[-1].filename}, line {own[-1].lineno})" if own else shown


def _try(name: str, size: dict[str, Any], meta: Meta) -> None:
    import torch
    import torch.nn.functional as F

    from ..networks.build import build, initialise
    from ..networks.count import SMALL, count_flops, count_params

    params = count_params(name, size, meta)["total"]
    if not params:
        raise UserError("the model has no parameter to train")
    if params > SMALL:  # counted as it would be computed, without the memory for it
        count_flops(name, size, meta)
        return
    model = build(name, size, meta)
    initialise(model, [0])
    source = torch.Generator().manual_seed(0)
    shape = (1, BATCH, *meta.shape)
    if meta.kind in ("text", "tokens"):
        x = torch.randint(0, meta.vocabulary, shape, generator=source)
    else:
        x = torch.randn(shape, generator=source)
    for training in (False, True):
        logits = model.train(training)(x)
        if not logits.is_floating_point():
            raise UserError(f"the model returned {logits.dtype}; logits are floating-point")
        if not logits.isfinite().all():
            raise UserError("the model returned numbers that are not finite, untrained as it is")
    logits = logits.flatten(0, -2)
    loss = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64))
    if not loss.requires_grad:
        raise UserError("what the model returned does not depend on its parameters: none can learn")
    loss.backward()
    leaves = model.leaves() if hasattr(model, "leaves") else model.parameters()
    gradients = [each.grad for each in leaves if each.grad is not None]
    if not all(each.isfinite().all() for each in gradients):
        raise UserError("the model's gradients are not finite")
    count_flops(name, size, meta)


def tried(program: Path, domains: str, say: Callable[[str], None]) -> None:
    """`try_model` of domains (JSON, as `workflow/scripts/try_models.py` takes it) in a process of
    its own: the workflow that asks neither imports torch nor runs a user's code.

    Raises UserError with its last line.
    """
    say("trying the sizes of models that alphascale has not made")
    ask(program, domains, "TRIED", "trying the sizes of your own models", "a model")


def ask(program: Path, question: str, answer: str, doing: str, what: str) -> None:
    """Have a program look at something in a process of its own; it prints `answer` where all is
    well. Raises UserError with its last line where not."""
    done = subprocess.run(
        [sys.executable, str(program), question], capture_output=True, text=True, check=False
    )
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if answer in done.stdout.splitlines():
        return
    if last.startswith("error: "):
        raise UserError(last.removeprefix("error: "))
    raise UserError(
        f"{doing} ended early, with status {done.returncode}, as when {what} ends its process "
        f"({quoted(last)})"
    )
