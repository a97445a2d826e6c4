"""Hugging Face's Trainer: `trainer_state.json` in an output folder and in its checkpoints.

It is plain JSON, which json reads; transformers is imported only to count a model that has no
weights beside it. `training_args.bin` and `pytorch_model.bin` are pickles, which may run anything
when they are read, and are never opened.
"""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

from ...errors import UserError, first_line
from ..descriptor import UNFINISHED, Kind, Point, Run, finite, number, plain, relative
from ..files import AGAIN, json_of
from .tensorboard import MARK, arguments

STATE = "trainer_state.json"
MOST_HEADER = 100_000_000  # bytes, the format's own limit
# Tensors of a checkpoint that are no parameters.
BUFFERS = re.compile(
    r"(running_mean|running_var|num_batches_tracked|position_ids|rotary.*inv_freq)$"
)
FINER = 0.001  # of samples, what rounding may leave open for their number to be told


def _find(files: list[Path], root: Path) -> list[Path]:
    if root.is_file():
        return [root] if root.name == STATE or _is_state(root) else []
    found = {}
    for path in files:
        if path.name == STATE:
            folder = path.parent
            inner = _is_checkpoint(folder) and folder != root
            found[folder.parent if inner else folder] = None
    return list(found)


def _is_state(path: Path) -> bool:
    if path.suffix != ".json":
        return False
    try:
        return "log_history" in json_of(path)
    except UserError:
        return False


def _is_checkpoint(folder: Path) -> bool:
    return re.fullmatch(r"checkpoint-\d+", folder.name) is not None


def _read(unit: Path, root: Path) -> list[Run]:
    folder = unit if unit.is_dir() else unit.parent
    checkpoints = sorted(
        (p for p in folder.glob("checkpoint-*") if _is_checkpoint(p)),
        key=lambda p: int(p.name.partition("-")[2]),
    )
    states = [folder / STATE, *(p / STATE for p in checkpoints)] if unit.is_dir() else [unit]
    states = [p for p in states if p.is_file()]
    # The folder's own is of the end; where it is older than a checkpoint, the checkpoint is.
    path, state = max(((p, _state(p)) for p in states), key=lambda each: each[1]["global_step"])
    run = Run(relative(unit, root) if unit.is_dir() else folder.absolute().name, str(path))
    for entry in state["log_history"]:
        values = {k: v for k, v in entry.items() if k not in ("step", "epoch")}
        known = {k: float(v) for k, v in values.items()
                 if isinstance(v, (int, float)) and not isinstance(v, bool)}  # fmt: skip
        run.points.append(Point(number(entry.get("step")), number(entry.get("epoch")), known))
    weights = [folder, *reversed(checkpoints)]
    configs = [p / "config.json" for p in weights if (p / "config.json").is_file()]
    if configs:
        run.config |= plain(json_of(configs[0]))
    trial = state.get("trial_params")
    run.config |= plain(trial) if isinstance(trial, dict) else {}
    run.config |= _arguments(run, folder)
    _count(run, weights, configs)
    _tell(run, state, folder)
    return [run]


def _state(path: Path) -> dict[str, Any]:
    state = json_of(path)
    history, step = state.get("log_history"), number(state.get("global_step"))
    whole = isinstance(history, list) and all(isinstance(each, dict) for each in history)
    if not whole or step is None:
        raise UserError(
            f"{path}: has no log_history and global_step as the Trainer writes; {AGAIN}"
        )
    if not history:
        raise UserError(f"{path}: its log_history is empty: nothing was logged in this run")
    return state | {"global_step": step}


def _tell(run: Run, state: dict[str, Any], folder: Path) -> None:
    """Fill what the state tells of the training's extent, and whether it came to its end."""
    step, most = state["global_step"], number(state.get("max_steps"))
    end = next((e for e in reversed(state["log_history"]) if "train_runtime" in e), {})
    run.known["steps"] = (step, "global_step")
    epoch = number(state.get("epoch"))
    if epoch:
        run.known["epochs"] = (epoch, "epoch of the state")
    if finite(number(state.get("total_flos"))) and state["total_flos"] > 0:
        run.known["flops"] = (float(state["total_flos"]), "total_flos, the Trainer's count")
    seconds = number(end.get("train_runtime"))
    if seconds is not None:
        run.known["seconds"] = (seconds, "train_runtime")
    _samples(run, state, end, folder)
    rates = [r for e in state["log_history"] if (r := number(e.get("learning_rate")))]
    if rates and "learning_rate" not in run.config:
        run.known["learning_rate"] = (
            max(rates),
            "largest logged, which a schedule may keep below the one set",
        )
    stopped = _stopped_early(state)
    if not end and most and step < most and not stopped:
        run.status = UNFINISHED
        run.why = f"global_step {step:g} of {most:g}"
    elif stopped and most and step < most:
        run.notes.append(f"ended by early stopping at step {step:g} of {most:g}")


def _arguments(run: Run, folder: Path) -> dict[str, Any]:
    """The TrainingArguments, where the run was also logged for TensorBoard: seed, rate, batch."""
    if not any(MARK in path.name for path in folder.rglob("*")):
        if (folder / "training_args.bin").is_file():
            run.notes.append(
                "training_args.bin is a pickle and is not opened: seed and learning rate are told "
                "by names and logs alone"
            )
        return {}
    try:
        return arguments(folder)
    except UserError as fault:
        run.notes.append(f"the arguments in its event files are not read: {fault}")
        return {}


def _stopped_early(state: dict[str, Any]) -> bool:
    control = (state.get("stateful_callbacks") or {}).get("TrainerControl")
    args = control.get("args") if isinstance(control, dict) else None
    most = number(state.get("max_steps"))
    stops = isinstance(args, dict) and args.get("should_training_stop") is True
    return stops and most is not None and state["global_step"] < most


def _samples(run: Run, state: dict[str, Any], end: dict[str, Any], folder: Path) -> None:
    """The size of the training set: as the example scripts write it, else from the speed."""
    for name in ("train_results.json", "all_results.json"):
        if (folder / name).is_file():
            told = number(json_of(folder / name).get("train_samples"))
            if told:
                run.known["samples"] = (told, f"train_samples of {name}")
                return
    rate, seconds = (number(end.get(k)) for k in ("train_samples_per_second", "train_runtime"))
    epochs = number(state.get("num_train_epochs"))
    if not rate or not seconds or not epochs or _by_steps(state):
        return
    # Both are rounded, to .001 and .0001: their product is taken where that leaves one integer.
    value = rate * seconds / epochs
    loose = (0.0005 * seconds + 0.00005 * rate) / epochs
    if loose < 0.5 or loose < FINER * value:
        run.known["samples"] = (
            float(round(value)), "train_samples_per_second × train_runtime / epochs"
        )  # fmt: skip


def _by_steps(state: dict[str, Any]) -> bool:
    """Whether max_steps, not epochs, set the length: the speed then counts batches as full."""
    epoch, asked = number(state.get("epoch")), number(state.get("num_train_epochs"))
    return not epoch or not asked or abs(epoch - asked) > 1e-6


def _count(run: Run, folders: list[Path], configs: list[Path]) -> None:
    """Parameters: elements of the weights' safetensors, else of the model the config describes."""
    for folder in folders:
        if (folder / "adapter_config.json").is_file():
            run.no_params = "an adapter, whose weights are not the whole model's"
            return
        index = folder / "model.safetensors.index.json"
        if index.is_file():
            shards = json_of(index).get("weight_map")
            if not isinstance(shards, dict):
                raise UserError(f"{index}: has no weight_map; {AGAIN}")
            parts = [folder / str(name) for name in sorted(set(shards.values()))]
        else:
            parts = [p for p in [folder / "model.safetensors"] if p.is_file()]
        if parts:
            total = sum(elements(part) for part in parts)
            run.known["params"] = (float(total), "elements of model.safetensors, its header")
            return
    if configs:
        _by_config(run, configs[0])
    else:
        run.no_params = f"neither model.safetensors nor config.json beside {STATE}"


def elements(path: Path) -> int:
    """Parameters in a safetensors file, by its header; tied weights stand there once.

    The header is eight bytes of length and that much JSON: no weights are read, and the light
    install has no safetensors.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else MOST_HEADER + 1
            if length > MOST_HEADER:
                raise ValueError("no header")
            header = json.loads(stream.read(length))
        total = 0
        for name, tensor in header.items():
            if name != "__metadata__" and not BUFFERS.search(name):
                count = 1
                for size in tensor["shape"]:
                    count *= int(size)
                total += count
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as fault:
        raise UserError(f"{path}: is no safetensors file ({first_line(fault)}); {AGAIN}") from None
    return total


def _by_config(run: Run, path: Path) -> None:
    """Count the model of a config.json on the meta device: nothing is allocated or downloaded, and
    no code that the folder brings is run."""
    try:
        import torch
        import transformers
    except ImportError:
        run.no_params = (
            "no model.safetensors, and its config.json is counted by transformers: "
            "pip install 'alphascale[study]'"
        )
        return
    try:
        config = transformers.AutoConfig.from_pretrained(path.parent, local_files_only=True)
        names = getattr(config, "architectures", None) or [""]
        model_class = getattr(transformers, names[0], None)
        with torch.device("meta"):
            model = (
                model_class(config) if model_class else transformers.AutoModel.from_config(config)
            )
        model.tie_weights()
        total = sum(p.numel() for p in {id(p): p for p in model.parameters()}.values())
    except Exception as fault:  # whatever a foreign configuration makes a library raise
        run.no_params = f"{path} describes no model to transformers ({first_line(fault)[:200]})"
        return
    run.known["params"] = (float(total), f"{names[0] or 'the model'} of config.json, counted")


KIND = Kind(
    name="trainer",
    title="Hugging Face Trainer",
    seeks=STATE,
    find=_find,
    read=_read,
    # `loss` is that of the last steps of training, `train_loss` their mean over the whole of it.
    bare_is_train=True,
    housekeeping=frozenset({"train_loss", "num_tokens"}),
    place=20,
)
