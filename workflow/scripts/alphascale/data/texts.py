"""Text: tokens by a byte-pair vocabulary trained on the training part, or a pretrained one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from .pool import Encoded, Pool, check_labels, own_source
from .textfiles import (
    check_keys,
    is_json_lines,
    json_object,
    label_and_text,
    need_column,
    open_text,
    read_rows,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD = "[PAD]"
# Texts handed to the tokenizer at a time: it works on them in parallel, holding all their tokens.
BATCH = 10_000

Tokenize = Callable[[list[str]], list[list[int]]]


def read(spec: dict[str, Any]) -> Pool:
    """A user's own texts: CSV (by its header) or JSON lines, with a label and text columns.

    The text columns of a row are joined by line ends, missing ones left out. Rows without any text
    are dropped, which a note says.
    """
    path, wanted = spec["path"], label_and_text(spec)
    columns = (_json_columns if is_json_lines(path) else _csv_columns)(path, wanted)
    labels, texts = (
        columns[0],
        ["\n".join(filter(None, row)) for row in zip(*columns[1:], strict=True)],
    )
    y, names = check_labels(labels, wanted[0][1], path)
    kept = [row for row, text in enumerate(texts) if text.strip()]
    notes = []
    if len(kept) < len(texts):
        notes.append(f"dropped {len(texts) - len(kept)} of {len(texts)} rows that have no text")
    # Whose every text is empty, a class is gone: it must not stay in the list of names.
    gone = sorted(set(range(len(names))) - set(y[kept].tolist()))
    if gone:
        raise UserError(f"text: class {names[gone[0]]!r} has no row with any text in {path}")
    return Pool("text", [texts[row] for row in kept], y[kept], names, own_source(path), notes=notes)


def _csv_columns(path: str, wanted: list[tuple[str, str]]) -> list[Sequence[str]]:
    header, rows = read_rows(path)
    for key, column in wanted:
        need_column(key, column, header)
    by_name = dict(zip(header, zip(*rows, strict=True), strict=True))
    return [by_name[column] for _, column in wanted]


def _json_columns(path: str, wanted: list[tuple[str, str]]) -> list[Sequence[str]]:
    rows = []
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                row = json_object(line, path, number)
                check_keys(row, wanted, path, number)
                rows.append([_plain(row[c], key, c, path, number) for key, c in wanted])
    if not rows:
        raise UserError(f"path: {path} is empty; one JSON object a line is expected")
    return list(zip(*rows, strict=True))


def _plain(value: Any, key: str, column: str, path: str, number: int) -> str:
    """A JSON value as text: null is empty, a list or an object is an error."""
    if isinstance(value, (list, dict)):
        raise UserError(
            f"{key}: {path}, line {number}: {column!r} is a {type(value).__name__}, not a text"
        )
    # JSON may escape half a surrogate pair, which is no character: UTF-8 cannot hold it.
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def encode(pool: Pool, rows: dict[str, np.ndarray], spec: dict[str, Any]) -> Encoded:
    """Token ids, int32 [n, length] per split: longer texts are cut, shorter ones padded."""
    length, notes = spec["length"], []
    if spec["tokenizer"]:
        from .pretrained import load_tokenizer

        tokenize, vocabulary, pad = load_tokenizer(spec["tokenizer"], length)
    else:
        training = (pool.x[i] for i in rows["train"])
        tokenize, vocabulary, pad = train_tokenizer(training, spec["vocabulary"], length)
        if vocabulary < spec["vocabulary"]:
            notes.append(
                f"the training part gives {vocabulary} tokens, not the {spec['vocabulary']} of "
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
    return Encoded(x, [length], vocabulary=vocabulary, pad=pad, notes=notes)


def train_tokenizer(
    training: Iterator[str], vocabulary: int, length: int
) -> tuple[Tokenize, int, int]:
    """Byte-level byte-pair encoding of at most `vocabulary` tokens, at least 257, pad being 0.

    Returns the function from texts to ids (at most `length` of each), the number of tokens that
    there are, and the pad id.
    """
    tokenizer = train_byte_pairs(training, vocabulary, PAD)
    tokenizer.enable_truncation(length)

    def tokenize(texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(texts)]

    return tokenize, tokenizer.get_vocab_size(), tokenizer.token_to_id(PAD)


def train_byte_pairs(training: Iterable[str], vocabulary: int, special: str) -> Tokenizer:
    """Byte-level byte-pair encoding: `vocabulary` tokens at most, 257 at least; `special` is 0.

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
        special_tokens=[special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(training, trainer)
    return tokenizer
