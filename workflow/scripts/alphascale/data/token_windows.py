"""From a corpus to tensors for language models: split, tokens, windows, one description.

x are windows of token ids, y the ids that follow, so that a model's output at position t of x is
compared with y at t. Windows do not overlap: every token but a split's first is predicted once.
For models of masked tokens, x and y are the same windows, each opened by one more token, as texts
are that such a model is to classify later; training masks them (training/masked.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from ..records.data import DataSpec, PreparedData
from .pool import Corpus
from .store import SPLITS
from .texts import train_byte_pairs

END = "[END]"  # closes every document
# Beside it in a vocabulary for masked tokens: fills up texts, opens one, stands for what is masked.
PAD, START, MASK = "[PAD]", "[CLS]", "[MASK]"
# A file that stands alone is cut into its three splits where a line ends.
FEWEST_DOCUMENTS = 3

Texts = dict[str, list[str]]
Tokenize = Callable[[list[str]], list[list[int]]]


def build_windows(
    corpus: Corpus, spec: DataSpec, say: Callable[[str], None]
) -> tuple[dict[str, np.ndarray], PreparedData]:
    """The six arrays of `store.open_tensors` and their description, without the file's SHA-256.

    x int32 and y int64, both [n, length]. Training windows lie in one seeded permutation, so that a
    fraction is a sample of the whole corpus and not its beginning.
    """
    rng = np.random.default_rng(spec.seed)
    notes = list(corpus.notes)
    texts = _split(corpus, spec, rng, notes)
    say(f"tokenising {sum(len(t) for part in texts.values() for t in part):,} characters")
    words = _tokenizer(texts["train"], spec, notes)
    masked = spec.task == "masked"
    tensors: dict[str, np.ndarray] = {}
    tokens, sizes = {}, {}
    for split in SPLITS:
        stream = _stream(words.tokenize(texts[split]), words.end)
        tokens[split] = len(stream)
        order = rng.permutation if split == "train" else np.arange
        limit = spec.limit if split == "train" else None
        x, y = _windows(stream, spec.length - masked, split, order, limit)
        if masked:
            first = np.full((len(x), 1), words.start, np.int32)
            x = np.ascontiguousarray(np.concatenate([first, x], axis=1), np.int32)
            y = x.astype(np.int64)
        tensors[f"{split}_x"], tensors[f"{split}_y"], sizes[split] = x, y, len(x)
    size = {split: sum(len(t.encode()) for t in texts[split]) for split in SPLITS}
    return tensors, PreparedData(
        kind="tokens",
        classes=words.size,
        class_names=[],
        shape=(spec.length,),
        vocabulary=words.size,
        pad=words.pad if masked else None,
        mean=None,
        std=None,
        bytes_per_token=tuple(size[split] / tokens[split] for split in SPLITS),
        sizes=sizes,
        class_counts={},
        first_rows=[],
        smallest_prefix=1,
        documents={split: len(texts[split]) for split in SPLITS},
        tokens=tokens,
        bytes=size,
        end=words.end,
        task="masked" if masked else "next",
        mask=words.mask,
        tokenizer=words.trained,
        source=corpus.source,
        spec=spec,
        seed=spec.seed,
        notes=notes,
    )


def _split(corpus: Corpus, spec: DataSpec, rng: np.random.Generator, notes: list[str]) -> Texts:
    """Documents of each split: the source's own, else by document in shares of characters."""
    if corpus.own_split is not None:
        notes.append("the splits are the source's own: `test` and `validation` are not used")
        own = zip(corpus.documents, corpus.own_split, strict=True)
        texts: Texts = {split: [] for split in SPLITS}
        for text, split in own:
            texts[split].append(text)
        return texts
    for key in ("test", "validation"):
        if not 0 < getattr(spec, key) < 1:
            raise UserError(
                f"{key}: is {getattr(spec, key):g}; of a corpus it must be a share in (0, 1)"
            )
    if len(corpus.documents) < FEWEST_DOCUMENTS:
        notes.append(
            "too few files to split by file: each is cut where a line ends, its last part for "
            "testing and the one before for validation"
        )
        cut = [_cut(text, spec) for text in corpus.documents]
        return {split: [parts[split] for parts in cut if parts[split]] for split in SPLITS}
    order = rng.permutation(len(corpus.documents)).tolist()
    total = sum(map(len, corpus.documents))
    texts = {split: [] for split in SPLITS}
    for split in ("test", "validation"):
        got, wanted = 0, getattr(spec, split) * total
        while order:
            text = corpus.documents[order[-1]]
            # At least one document each, and one left for every split still to come.
            if texts[split] and (got + len(text) / 2 > wanted or len(order) <= 2):
                break
            texts[split].append(text)
            order.pop()
            got += len(text)
    texts["train"] = [corpus.documents[i] for i in order]
    return texts


def _cut(text: str, spec: DataSpec) -> dict[str, str]:
    first = _line_end(text, 1 - spec.test - spec.validation)
    second = _line_end(text, 1 - spec.test)
    return {"train": text[:first], "validation": text[first:second], "test": text[second:]}


def _line_end(text: str, share: float) -> int:
    at = round(share * len(text))
    return text.find("\n", at) + 1 or at


@dataclass(frozen=True)
class Words:
    """A tokenizer and its ids."""

    tokenize: Tokenize  # from texts to ids
    size: int  # number of ids
    end: int  # closes a document
    # pad, start, mask: of masked tokens, fills up texts, opens a window, stands for a masked token
    pad: int | None = None
    start: int | None = None
    mask: int | None = None
    trained: str | None = None  # as JSON, where it was trained here


def _tokenizer(training: list[str], spec: DataSpec, notes: list[str]) -> Words:
    """The tokenizer that is named, or one trained on the training part."""
    masked = spec.task == "masked"
    if spec.tokenizer:
        return _pretrained(spec.tokenizer, masked, notes)
    special = (PAD, START, MASK, END) if masked else (END,)
    tokenizer = train_byte_pairs(training, spec.vocabulary, *special)
    size = tokenizer.get_vocab_size()
    if size < spec.vocabulary:
        notes.append(
            f"the training part gives {size} tokens, not the {spec.vocabulary} of "
            "`vocabulary`: it is too small for more"
        )
    if masked:
        from tokenizers.processors import TemplateProcessing

        # Texts that are classified later begin as windows do.
        start = tokenizer.token_to_id(START)
        tokenizer.post_processor = TemplateProcessing(
            single=f"{START} $A", special_tokens=[(START, start)]
        )

    def tokenize(texts: list[str]) -> list[list[int]]:
        return [each.ids for each in tokenizer.encode_batch(texts, add_special_tokens=False)]

    ids = [tokenizer.token_to_id(each) for each in (END, PAD, START, MASK)]
    return Words(tokenize, size, *ids, trained=tokenizer.to_str())


def _pretrained(name: str, masked: bool, notes: list[str]) -> Words:
    from .pretrained import find_tokenizer

    found = find_tokenizer(name)
    ends = (found.eos_token_id, found.sep_token_id)
    end = next((i for i in ends if i is not None), None)
    if end is None:
        found.add_special_tokens({"eos_token": END})
        end = found.eos_token_id
    if found.unk_token_id is not None and found.unk_token_id != end:
        notes.append(
            f"tokenizer {name} may lose text to its unknown token: bits per "
            "byte are then not comparable with those of other tokenizers"
        )
    if masked and None in (found.mask_token_id, found.pad_token_id):
        raise UserError(
            f"tokenizer: {name} has no token for what is masked or padded: task `masked` needs "
            "both; take that of a masked language model, or none"
        )
    starts = (found.cls_token_id, found.bos_token_id, end)
    start = next(each for each in starts if each is not None)

    def tokenize(texts: list[str]) -> list[list[int]]:
        return found(texts, add_special_tokens=False)["input_ids"]

    mask = found.mask_token_id if masked else None
    return Words(tokenize, len(found), end, found.pad_token_id, start, mask)


def _stream(documents: list[list[int]], end: int) -> np.ndarray:
    """All documents one after another, each closed by `end`: int32 [tokens]."""
    return np.concatenate([np.array([*ids, end], dtype=np.int32) for ids in documents])


def _windows(
    stream: np.ndarray,
    length: int,
    split: str,
    order: Callable[[int], np.ndarray],
    limit: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    count = (len(stream) - 1) // length
    if count < 1:
        raise UserError(
            f"length: {length} is more than the {len(stream)} tokens of the {split} split: "
            "give more text or a shorter length"
        )
    rows = order(count)[:limit]
    x = stream[: count * length].reshape(count, length)[rows]
    y = stream[1 : count * length + 1].reshape(count, length)[rows]
    return np.ascontiguousarray(x, np.int32), np.ascontiguousarray(y, np.int64)
