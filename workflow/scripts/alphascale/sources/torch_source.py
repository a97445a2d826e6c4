"""Running text that every installation has: torch's own Python files."""

from __future__ import annotations

import hashlib
import math

from ..data.pool import Corpus
from ..data.torch_package import origin, package, version
from ..records.data import DataSpec
from .descriptor import Source

# Larger Python files of torch are generated tables and long test suites.
SOURCE_FILE_BYTES = 60_000
# With a `limit`, no more text is read than it needs, at this many bytes a token: a vocabulary of
# 512 takes 2.1 bytes a token of this code, one of 30,000 about 4.
BYTES_PER_TOKEN = 6


def read(spec: DataSpec) -> Corpus:
    """Python files of the installed torch, one document each, in a seeded order.

    All 50 MB of them, or with `limit` as many as its windows need.
    """
    import numpy as np

    root = package()
    enough = math.inf
    if spec.limit:
        training = max(0.05, 1 - spec.test - spec.validation)
        enough = BYTES_PER_TOKEN * spec.limit * spec.length / training
    rng = np.random.default_rng([spec.seed, 2])
    paths = sorted(root.rglob("*.py"))
    digest, documents, total, long = hashlib.sha256(), [], 0, 0
    for at in rng.permutation(len(paths)):
        size = paths[at].stat().st_size
        if size > SOURCE_FILE_BYTES:
            long += 1
            continue
        raw = paths[at].read_bytes()
        if not raw.strip():
            continue
        digest.update(f"{paths[at].relative_to(root).as_posix()} {len(raw)}\n".encode() + raw)
        documents.append(raw.decode("utf-8", errors="replace"))
        total += size
        if total >= enough:
            break
    what = f"{len(documents)} of {len(paths)} files"
    source = origin("torch_source", spec, what, digest.hexdigest())
    notes = [f"{long} files of more than {SOURCE_FILE_BYTES} bytes were passed over"]
    return Corpus(documents, source, notes=notes)


SOURCE = Source(
    name="torch_source",
    kind="tokens",
    origin="embedded",
    description="the installed torch's Python files as running text, 50 MB, or as much as `limit` "
    "needs",
    read=read,
    state=version,
)
