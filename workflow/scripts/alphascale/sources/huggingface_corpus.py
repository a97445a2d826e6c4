"""Running text of a data set of Hugging Face: by name, or a file or folder of the user's own."""

from __future__ import annotations

from ..data import huggingface
from ..data.pool import Corpus
from ..errors import UserError
from ..records.data import DataSpec
from .descriptor import Source


def read(spec: DataSpec) -> Corpus:
    """A document of each row that has any text; its splits are kept where it has all three."""
    columns = spec.text or ["text"]
    with huggingface.opened(spec, [("text", column) for column in columns]) as found:
        from ..data.user_texts import joined_texts

        texts = joined_texts(huggingface.table_of(found, columns), columns)
        kept = [row for row, text in enumerate(texts) if text.strip()]
        if not kept:
            raise UserError(f"text: {found.name} has no row with any text")
        if len(kept) < len(texts):
            bare = len(texts) - len(kept)
            found.notes.append(f"dropped {bare} of {len(texts)} rows that have no text")
        split = [found.split[row] for row in kept]
        own = split if set(split) == {"train", "validation", "test"} else None
        if own is None and set(split) != {"train"}:
            found.notes.append("it has not all three splits: all its rows are split anew")
        return Corpus([texts[row] for row in kept], found.source, own, notes=found.notes)


SOURCE = Source(
    name="huggingface_corpus",
    kind="tokens",
    origin="downloaded",
    description="running text of Hugging Face `datasets`, a document a row, by `name` on the hub "
    "or by `path`",
    read=read,
    keys=("name", "subset", "path", "text"),
    check=huggingface.check,
    files=huggingface.files,
    state=huggingface.state,
)
