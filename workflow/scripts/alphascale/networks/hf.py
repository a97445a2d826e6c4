"""Models of transformers: an architecture by its configuration, or a checkpoint.

What follows from the data is filled in: vocabulary, padding, positions, image size, channels and
the number of classes. No code that lies beside a checkpoint is ever run.
"""

from __future__ import annotations

import dataclasses
import difflib
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..data.fetch import fetch, folder_of
from ..data.pretrained import find_tokenizer
from ..data.token_windows import END, MASK, PAD, START
from ..errors import UserError, first_line
from ..families.descriptor import Size
from ..families.foreign import located, place_of
from ..families.hf import KEYS, checkpoints
from ..records.files import write_json
from .foreign import Eye, Foreign, below, members_of
from .plain import Plain

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from ..records.data import Meta

# What of a configuration is the data's to say.
LABELS = ("num_labels", "id2label", "label2id", "problem_type")
# The class of transformers that has the head for a task.
WORDS = {
    "classes": "SequenceClassification",
    "labels": "SequenceClassification",
    "numbers": "SequenceClassification",
    "next": "CausalLM",
    "masked": "MaskedLM",
}
PROBE = "The quick brown Fox: don't, 3.14 = x_1\n\tif (a != b) { return naïve; }"


def build_members(members: int, meta: Meta, size: Size) -> Plain:
    """The members of an `hf` model on the default device; UserError for one that cannot be."""
    return members_of(members, meta, lambda: make(meta, size), "hf", size)


def make(meta: Meta, size: Size) -> Foreign:
    """One model on the device of the context, from torch's global generator."""
    _quiet()
    own = {name: value for name, value in size.items() if name not in KEYS}
    given = None
    if "pretrained" in size:
        model, given, title = _load(meta, size, own)
    else:
        title = size["model_type"]
        model = _from_scratch(meta, title, own, size.get("resize"))
    embedding = set()
    head = set(dict(model.named_parameters(remove_duplicate=False)))
    head -= below(model, [model.base_model])
    if meta.kind == "tokens":
        # As in networks/vocabulary.py: an output layer is the vocabulary once more.
        embedding = below(model, [model.get_output_embeddings()])
    eye = _eye(meta, model.config, size) if meta.kind == "image" else None
    call = _see
    if meta.kind != "image":
        call = _reader(meta.pad, meta.classes if meta.kind == "tokens" else None)
    return Foreign(model, call, head, embedding, given, eye, partial(_save, meta, eye))


def try_ladder(sizes: dict[str, Size], meta: Meta) -> None:
    """Raise UserError where checkpoints of a ladder do not fit the data, or a model that predicts
    the next token sees it."""
    _agree(checkpoints(list(sizes.values())), meta)
    if meta.task == "next":
        for name, size in sizes.items():
            _check_causal(name, size, meta)


def _quiet() -> None:
    """Lines of progress and of what was newly drawn are no news here."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _from_scratch(
    meta: Meta, title: str, own: dict[str, Any], resize: int | None
) -> PreTrainedModel:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    known = list(CONFIG_MAPPING.keys())
    if title not in known:
        raise UserError(f"model_type: transformers has no {title!r}; {_near(title, known)}")
    kind = CONFIG_MAPPING[title]
    _check_keys(kind, own, title)
    wanted = own | _following(kind, meta, own, title, resize)
    try:
        config = kind(**wanted)
    except Exception as fault:  # transformers raises what its parts raise
        raise UserError(f"{title}: {first_line(fault)}") from None
    model = _of(meta, config, title)
    # RoBERTa and its kin count positions from the padding's id on.
    places = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    offset = getattr(places, "padding_idx", None)
    if offset is not None and "max_position_embeddings" not in own:
        config = kind(**wanted | {"max_position_embeddings": meta.shape[0] + offset + 1})
        model = _of(meta, config, title)
    return model


def _of(meta: Meta, config: PreTrainedConfig, title: str) -> PreTrainedModel:
    config.use_cache = False
    try:
        return _auto(meta).from_config(config)
    except Exception as fault:
        raise UserError(_refusal(meta, title, fault)) from None


def _refusal(meta: Meta, title: str, fault: Exception) -> str:
    said = first_line(fault)
    if said.startswith("Unrecognized configuration"):
        which = "ImageClassification" if meta.kind == "image" else WORDS[meta.task]
        return f"{title}: transformers has no model of it for this task (AutoModelFor{which})"
    return f"{title}: {said}"


def _auto(meta: Meta):
    """The class that makes a model of any architecture for the data's task."""
    import transformers

    which = "ImageClassification" if meta.kind == "image" else WORDS[meta.task]
    return getattr(transformers, f"AutoModelFor{which}")


def _check_keys(kind: type, own: dict[str, Any], where: str) -> None:
    """Raise UserError for a key that a configuration, or a sub-section of it, does not have."""
    known = {field.name for field in dataclasses.fields(kind)} | set(kind.attribute_map)
    for key in LABELS:
        if key in own:
            raise UserError(f"{where}.{key}: the data say what there is to tell: take it out")
    for key, value in own.items():
        if key not in known:
            raise UserError(f"{where}: its configuration has no {key!r}; {_near(key, known)}")
        inner = kind.sub_configs.get(key)
        if isinstance(value, dict) and inner is not None and dataclasses.is_dataclass(inner):
            _check_keys(inner, value, f"{where}.{key}")


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "see its documentation for names"


def _following(
    kind: type, meta: Meta, own: dict[str, Any], title: str, resize: int | None
) -> dict[str, Any]:
    """What of a configuration follows from the data; UserError for what contradicts it."""
    fields = {field.name for field in dataclasses.fields(kind)}
    names = fields | set(kind.attribute_map)

    def said(key: str) -> Any:
        """What a size gives, by either of a key's names."""
        return own.get(key, own.get(kind.attribute_map.get(key, key)))

    follows: dict[str, Any] = {}
    if meta.kind != "tokens":
        follows["num_labels"] = meta.classes
    if meta.kind == "image":
        side = meta.shape[1] if meta.shape[1] == meta.shape[2] else list(meta.shape[1:])
        wanted = {"image_size": resize or side, "num_channels": meta.shape[0]}
    else:
        wanted = {"vocab_size": meta.vocabulary, "pad_token_id": meta.pad}
        if meta.task == "next" and "is_decoder" in names:
            wanted["is_decoder"] = True
    for key, value in wanted.items():
        if said(key) is not None and said(key) != value:
            raise UserError(f"{title}.{key}: is {value} of these data, not {said(key)}")
        if key in names and said(key) is None:
            follows[key] = value
    if meta.kind != "image" and "max_position_embeddings" in names:
        places = said("max_position_embeddings")
        if places is None:
            follows["max_position_embeddings"] = meta.shape[0]
        elif places < meta.shape[0]:
            raise UserError(
                f"{title}.max_position_embeddings: {places} are too few for texts of "
                f"{meta.shape[0]} tokens (`data.length`)"
            )
    return follows


def _load(meta: Meta, size: Size, own: dict[str, Any]) -> tuple[PreTrainedModel, set[str], str]:
    """A checkpoint's model, the names of the parameters that it holds, and what to call it."""
    from transformers import AutoConfig

    place = located(size["pretrained"])
    options = {"trust_remote_code": False}
    if "revision" in size:
        options["revision"] = size["revision"]
    config = _fetched(place, lambda where: AutoConfig.from_pretrained(place, **options, **where))
    title = config.model_type
    _check_keys(type(config), own, title)
    for key, value in own.items():
        setattr(config, key, value)
    _fit(meta, config, place)
    meta_device = torch.empty(0).device.type == "meta"
    more = {"device_map": "meta"} if meta_device else {}

    def load(where: dict[str, Any]):
        with torch.device("cpu"):
            return _auto(meta).from_pretrained(
                place, config=config, output_loading_info=True, dtype=torch.float32,
                ignore_mismatched_sizes=True, **options, **where, **more,
            )  # fmt: skip

    model, info = _fetched(place, load)
    names = dict(model.named_parameters(remove_duplicate=False))
    absent = set(info["missing_keys"]) | {each[0] for each in info["mismatched_keys"]}
    body = below(model, [model.base_model])
    wrong = [each[0] for each in info["mismatched_keys"] if each[0] in body]
    if wrong:
        raise UserError(f"{place}: its weights do not fit its own configuration ({wrong[0]})")
    given = set(names) - absent
    if not given & body:
        raise UserError(f"{place}: holds none of the weights of a {title}")
    if meta.kind != "tokens":
        given -= _draw_head(model, set(names) - body)
    if meta.kind != "image" and meta.vocabulary > model.get_input_embeddings().num_embeddings:
        _widen(model, meta.vocabulary)
    return model, given, title


def _draw_head(model: PreTrainedModel, head: set[str]) -> set[str]:
    """Draw a classifier anew, whatever task the checkpoint's was for; its names."""
    for name, module in model.named_modules():
        own = {f"{name}.{each}" for each, _ in module.named_parameters(recurse=False)}
        if own and own <= head and not next(module.parameters()).is_meta:
            for parameter in module.parameters(recurse=False):
                parameter._is_hf_initialized = False
            module._is_hf_initialized = False
            model._init_weights(module)
    return head


def _widen(model: PreTrainedModel, vocabulary: int) -> None:
    """Rows for ids that the data's tokenizer has beside the checkpoint's (padding): zeros, since no
    attention falls on them."""
    old = model.get_input_embeddings().num_embeddings
    model.resize_token_embeddings(vocabulary, mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight[old:] = 0


def _fit(meta: Meta, config: PreTrainedConfig, place: str) -> None:
    """Set what follows from the data; UserError where the checkpoint does not take them."""
    config.use_cache = False
    if meta.kind != "tokens":
        config.num_labels = meta.classes
        config.problem_type = None
    if meta.kind == "image":
        return
    if meta.pad is not None:
        config.pad_token_id = meta.pad
    places = getattr(config, "max_position_embeddings", None)
    if places is not None and places < meta.shape[0]:
        raise UserError(
            f"{place}: has {places} positions and the data's texts {meta.shape[0]} tokens: give a "
            f"`data.length` of at most {places}"
        )


def _fetched(name: str, load):
    """What `load` gives from the disk, by the library's own loader from its cache or hub else."""
    if place_of(name) is not None:
        try:
            return load({"local_files_only": True})
        except UserError:
            raise
        except Exception as fault:
            raise UserError(
                f"{name}: no checkpoint that can be read ({first_line(fault)})"
            ) from None
    try:
        return load({"local_files_only": True})
    except Exception:
        from huggingface_hub import constants

        return fetch(
            f"checkpoint {name!r}",
            f"{constants.ENDPOINT}/{name}",
            f"put its config.json, model.safetensors and tokenizer's files into "
            f"{folder_of(None, name)}/",
            lambda: load({}),
            key="pretrained",
        )


def _eye(meta: Meta, config: PreTrainedConfig, size: Size) -> Eye:
    """Images as the architecture, or the checkpoint's image processor, wants them."""
    channels = getattr(config, "num_channels", meta.shape[0])
    side = size.get("resize") or (getattr(config, "image_size", None))
    mean = std = None
    if "pretrained" in size:
        said = _processor(located(size["pretrained"]), size.get("revision"))
        if said.get("do_normalize", True) and "image_mean" in said:
            mean, std = ([float(v) for v in said[k]] for k in ("image_mean", "image_std"))
            mean, std = ((v * channels)[:channels] if len(v) == 1 else v for v in (mean, std))
        asked = said.get("size")
        if "resize" not in size and isinstance(asked, dict):
            side = [asked["height"], asked["width"]] if "height" in asked else side
            side = side or asked.get("shortest_edge")
    if isinstance(side, int):
        side = (side, side)
    return Eye(meta, channels, None if side is None else tuple(side), mean, std)


def _processor(place: str, revision: str | None) -> dict[str, Any]:
    """What a checkpoint says of images; nothing where it has no image processor: they then stay
    normalised by their own mean and deviation."""
    from transformers.image_processing_utils import BaseImageProcessor

    for local in (True,) if place_of(place) is not None else (True, False):
        try:
            return BaseImageProcessor.get_image_processor_dict(
                place, local_files_only=local, revision=revision or "main"
            )[0]
        except OSError:
            continue
    return {}


def _see(model: PreTrainedModel, x: Tensor) -> Tensor:
    return model(pixel_values=x).logits


def _reader(pad: int | None, vocabulary: int | None):
    """The call of a model of token ids; of a language model, logits of ids that the tokenizer does
    not have, with which some vocabularies are filled up, are left out."""

    def read(model: PreTrainedModel, ids: Tensor) -> Tensor:
        mask = None
        if pad is not None and not ids.is_meta and vocabulary is None:
            present = ids != pad
            # A text of padding alone would attend to nothing: softmax of nothing is NaN.
            mask = (present | ~present.any(1, keepdim=True)).long()
        logits = model(input_ids=ids.long(), attention_mask=mask).logits
        return logits if vocabulary is None else logits[..., :vocabulary]

    return read


def _save(meta: Meta, eye: Eye | None, model: PreTrainedModel, folder: str) -> None:
    """A folder that can be named as `pretrained`: weights, and what prepares data for them."""
    model.save_pretrained(folder)
    if eye is not None:
        mean, std = eye.statistics(meta)
        side = eye.size or tuple(meta.shape[1:])
        said = {"image_processor_type": "ViTImageProcessor", "image_mean": mean, "image_std": std}
        said |= {"do_normalize": True, "size": {"height": side[0], "width": side[1]}}
        write_json(f"{folder}/preprocessor_config.json", said)
        return
    named = getattr(getattr(meta, "spec", None), "tokenizer", None)
    if named is not None:
        find_tokenizer(named).save_pretrained(folder)
    elif getattr(meta, "tokenizer", None) is not None:
        from tokenizers import Tokenizer
        from transformers import PreTrainedTokenizerFast

        trained = Tokenizer.from_str(meta.tokenizer)
        roles = {"pad": PAD, "cls": START, "mask": MASK, "eos": END}
        known = {
            f"{role}_token": token
            for role, token in roles.items()
            if trained.token_to_id(token) is not None
        }
        PreTrainedTokenizerFast(tokenizer_object=trained, **known).save_pretrained(folder)


def _agree(names: list[str], meta: Meta) -> None:
    """Raise UserError for checkpoints whose tokenizer is not the one that made the data."""
    own = getattr(getattr(meta, "spec", None), "tokenizer", None)
    if not names or meta.kind == "image":
        return
    if own is None:
        raise UserError(
            f"the data's vocabulary was trained on them, and {names[0]} knows another: give "
            f"`data.tokenizer`"
        )
    first = _spelling(own)
    for name in names:
        if place_of(name) is not None and not _has_tokenizer(name):
            continue  # it was given weights alone, and the data's tokenizer by name
        if _spelling(name) != first:
            raise UserError(
                f"pretrained: the tokenizer of {name} is not that of {own}, which makes the data: "
                "checkpoints of one ladder must share theirs; give the others a domain of their own"
            )


def _has_tokenizer(name: str) -> bool:
    place = place_of(name)
    return any(place.glob("tokenizer*")) or any(place.glob("vocab*"))


def _spelling(name: str) -> tuple[Any, ...]:
    """What a tokenizer makes of anything: its vocabulary, and how it spells a line."""
    found = find_tokenizer(name)
    return found.get_vocab(), found(PROBE)["input_ids"], found.mask_token_id


def _check_causal(name: str, size: Size, meta: Meta) -> None:
    """Raise UserError if a model sees the tokens that it is to predict."""
    from ..families import family

    plain = build_members(1, meta, family("hf").complete(size)).eval()
    source = torch.Generator().manual_seed(0)
    ids = torch.randint(0, meta.vocabulary, (1, 1, *meta.shape), generator=source)
    other = ids.clone()
    other[..., -1] = (other[..., -1] + 1) % meta.vocabulary
    with torch.no_grad():
        before, after = plain(ids)[..., :-1, :], plain(other)[..., :-1, :]
    if meta.shape[0] > 1 and not torch.allclose(before, after, atol=1e-5):
        raise UserError(f"{name}: this architecture sees the tokens that it is to predict")
