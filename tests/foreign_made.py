"""Tiny models of other libraries, made for tests: sizes, data, checkpoints saved on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from alphascale.records.data import Meta

TEXT = Meta("text", 3, (10,), 40, 0, None, None)
NEXT = Meta("tokens", 40, (10,), 40, None, None, None, task="next")
MASKED = Meta("tokens", 40, (10,), 40, 0, None, None, task="masked", mask=2)
GREY = Meta("image", 3, (1, 16, 16), None, None, (60.0,), (50.0,))
COLOUR = Meta("image", 3, (3, 32, 32), None, None, (60.0, 70.0, 80.0), (50.0, 40.0, 30.0))


def bert(width: int = 16, layers: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "model_type": "bert", "hidden_size": width, "num_hidden_layers": layers,
        "num_attention_heads": 2, "intermediate_size": 4 * width,
    } | more  # fmt: skip


def vit(width: int = 16, **more: Any) -> dict[str, Any]:
    return bert(width, 1) | {"model_type": "vit", "patch_size": 8} | more


def checkpoint(folder: Path, width: int = 16, words: str = "", **more: Any) -> str:
    """A masked language model of BERT's kind with a word tokenizer, saved; `words` are in its
    vocabulary beside 40 of its own."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[MASK]", "[CLS]"]
    vocabulary = [*special, *(f"w{i}" for i in range(36)), *words.split()]
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]",
        cls_token="[CLS]",
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(width)
    size = bert(width, **more)
    size.pop("model_type")
    config = BertConfig(
        vocab_size=len(vocabulary), pad_token_id=0, max_position_embeddings=16, **size
    )
    BertForMaskedLM(config).save_pretrained(folder)
    return str(folder)


def data(meta: Meta, rows: int = 60, seed: int = 0) -> dict[str, torch.Tensor]:
    """Classes that can be told apart; of tokens, each is the one before plus one."""
    source = torch.Generator().manual_seed(seed)
    tensors = {}
    for split, n in (("train", rows), ("validation", 24), ("test", 30)):
        y = torch.randint(0, 3, (n,), generator=source)
        if meta.kind == "tokens":
            first = torch.randint(0, 40, (n, 1), generator=source)
            x = (first + torch.arange(meta.shape[0] + 1)) % 36 + 4
            y = x[:, :-1].clone() if meta.task == "masked" else x[:, 1:].contiguous()
            x = x[:, :-1].int().contiguous()
        elif meta.kind == "image":
            x = torch.randint(0, 120, (n, *meta.shape), generator=source, dtype=torch.uint8)
            x[torch.arange(n), 0, 4 * y] += 100
        else:
            x = torch.randint(4, 36, (n, *meta.shape), generator=source, dtype=torch.int32)
            x[:, 1] = (36 + y).int()
            x[:, -2:] = 0
        tensors |= {f"{split}_x": x, f"{split}_y": y}
    return tensors
