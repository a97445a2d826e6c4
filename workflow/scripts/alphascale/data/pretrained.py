"""A pretrained tokenizer by name or folder, by way of transformers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UserError, first_line
from .fetch import fetch, folder_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(
    name: str, length: int
) -> tuple[Callable[[list[str]], list[list[int]]], int, int]:
    """The function from texts to at most `length` ids, the vocabulary's size, and the pad id."""
    tokenizer = find_tokenizer(name)
    if tokenizer.pad_token_id is None:
        tokenizer.add_special_tokens({"pad_token": "[PAD]"})

    def tokenize(texts: list[str]) -> list[list[int]]:
        return tokenizer(texts, truncation=True, max_length=length)["input_ids"]

    return tokenize, len(tokenizer), tokenizer.pad_token_id


def find_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """A pretrained tokenizer.

    `name` is looked for as a folder, under downloads/, in the cache of Hugging Face, and then on
    its hub. No code that lies beside a tokenizer is run.
    """
    # Libraries that wait for a hub on every call would, offline, wait for minutes.
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    by_hand = folder_of(None, name)
    places = [place for place in (name, str(by_hand)) if os.path.isdir(place)]
    tokenizer = None
    for place in places[:1] or [name]:
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                place, local_files_only=True, trust_remote_code=False
            )
        except Exception as fault:  # transformers raises what its parts raise
            if places:
                why = first_line(fault)
                raise UserError(f"tokenizer: {place} holds no tokenizer ({why})") from None
    if tokenizer is None:
        from huggingface_hub import constants

        tokenizer = fetch(
            f"tokenizer {name!r}",
            f"{constants.ENDPOINT}/{name}",
            f"there is no folder {name!r} here; put its tokenizer.json and tokenizer_config.json "
            f"(to fine-tune a checkpoint also config.json and model.safetensors) into {by_hand}/",
            lambda: AutoTokenizer.from_pretrained(name, trust_remote_code=False),
            key="tokenizer",
        )
    return tokenizer
