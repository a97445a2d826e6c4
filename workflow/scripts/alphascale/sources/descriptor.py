"""What one file of this folder says of its source of data. No numpy, pandas or torch here or there.

The Snakefile reads every descriptor, and each job of a cluster reads the Snakefile again: so what
is heavy is imported by `read` alone, when data are prepared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..data.pool import Corpus, Pool
    from ..records.data import DataSpec

# Where data are from: in the repository or an installation, fetched when first asked for, or a
# file or folder of the user's own.
ORIGINS = ("embedded", "downloaded", "own")
# Keys of the `data` section that preparation reads for every source, and for every kind of data.
COMMON = ("test", "validation", "limit")
TOKENS = ("length", "vocabulary", "tokenizer")
BY_KIND = {"image": (), "tabular": (), "text": TOKENS, "tokens": (*TOKENS, "task")}


@dataclass(frozen=True)
class Source:
    """All that is true of a source of data."""

    name: str  # as a study writes it
    kind: str  # `image`, `tabular`, `text` (a class each) or, for language models, `tokens`
    origin: str  # of ORIGINS; a source of the user's own needs the key `path`
    description: str  # one line for the reference
    # gives the samples, a Pool, or of kind `tokens` the documents, a Corpus
    read: Callable[[DataSpec], Pool | Corpus]
    # of the `data` section, those that it reads beside what its kind does
    keys: tuple[str, ...] = ()
    # looks at names and first lines, before anything runs; raises UserError beginning with the key
    # that is to blame
    check: Callable[[DataSpec], object] | None = None
    # single files of the user's own whose edit makes prepared data stale
    files: Callable[[DataSpec], list[str]] | None = None
    # changes when the source does, in a way that `files` cannot say
    state: Callable[[DataSpec], str] | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """Every key of the `data` section that its prepared data depend on."""
        return (*COMMON, *BY_KIND[self.kind], *self.keys)

    @property
    def corpus(self) -> bool:
        """Whether it is running text, for language models."""
        return self.kind == "tokens"
