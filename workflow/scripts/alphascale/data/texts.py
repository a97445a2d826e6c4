"""Text: tokens by a byte-pair vocabulary trained on the training part, or a pretrained one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from .pool import Encoded, Pool

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ..records.data import DataSpec

PAD = "[PAD]"
# Texts handed to the tokenizer at a time: it works on them in parallel, holding all their tokens.
BATCH = 10_000

Tokenize = Callable[[list[str]], list[list[int]]]


def encode(pool: Pool, rows: dict[str, np.ndarray], spec: DataSpec) -> Encoded:
    """Token ids, int32 [n, length] per split: longer texts are cut, shorter ones padded."""
    length, notes = spec.length, []
    if spec.tokenizer:
        from .pretrained import load_tokenizer

        tokenize, vocabulary, pad = load_tokenizer(spec.tokenizer, length)
        trained = None
    else:
        training = (pool.x[i] for i in rows["train"])
        tokenize, vocabulary, pad, trained = train_tokenizer(training, spec.vocabulary, length)
        if vocabulary < spec.vocabulary:
            notes.append(
                f"the training part gives {vocabulary} tokens, not the {spec.vocabulary} of "
                "`vocabulary`: it is too small for more"
            )
    x, cut = {}, 0
    for part, positions in rows.items():
        x[part] = np.full((len(positions), length), pad, dtype=np.int32)
        for start in range(0, len(positions), BATCH):
            batch = [pool.x[i] for i in positions[start : start + BATCH]]
            for row, ids in enumerate(tokenize(batch), start):
                x[part][row, : len(ids)] = ids
                cut += len(ids) == length
    n = sum(len(positions) for positions in rows.values())
    notes.append(f"{cut} of {n} texts fill all {length} tokens: what is longer was cut")
    return Encoded(x, (length,), vocabulary=vocabulary, pad=pad, tokenizer=trained, notes=notes)


def train_tokenizer(
    training: Iterator[str], vocabulary: int, length: int
) -> tuple[Tokenize, int, int, str]:
    """Byte-level byte-pair encoding of at most `vocabulary` tokens, at least 257, pad being 0.

    Returns the function from texts to ids (at most `length` of each), the number of tokens that
    there are, the pad id, and the tokenizer itself as JSON.
    """
    tokenizer = train_byte_pairs(training, vocabulary, PAD)
    trained = tokenizer.to_str()
    tokenizer.enable_truncation(length)

    def tokenize(texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(texts)]

    return tokenize, tokenizer.get_vocab_size(), tokenizer.token_to_id(PAD), trained


def train_byte_pairs(training: Iterable[str], vocabulary: int, *special: str) -> Tokenizer:
    """Byte-level byte-pair encoding: `vocabulary` tokens at most, 257 at least; `special` are 0, 1
    and so on.

    All 256 bytes are tokens, so no text is out of vocabulary.
    """
    # Set before the library starts its threads: it warns where a fork follows.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(training, trainer)
    return tokenizer
