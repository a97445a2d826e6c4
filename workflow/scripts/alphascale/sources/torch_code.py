"""Text that every installation has: fragments of torch's own Python files, by subpackage.

The task is to tell from about 240 characters of code which of ten subpackages they come from.
Import statements and comments are taken out: an import often names the subpackage, and the licence
at the head of a file is the same words in thousands of fragments.
"""

from __future__ import annotations

import hashlib
import re

from ..data.pool import Pool
from ..data.torch_package import origin, package, version
from ..records.data import DataSpec
from .descriptor import Source

# All are in torch 2.11 and in 2.15, there with 59 to 404 files each.
SUBPACKAGES = (
    "_dynamo", "_functorch", "_inductor", "ao", "distributed",
    "fx", "nn", "onnx", "testing", "utils",
)  # fmt: skip
# About 64 tokens of a vocabulary of 4,096. Fragments are whole lines, so some are longer.
CHARACTERS = 240
# onnx, the smallest, has no more under the next limit; equal classes make accuracy plain to read.
PER_CLASS = 1500
# No more from one file: a few generated tables and test suites would else be most of a class.
PER_FILE = 40
# Reading all 404 files of _inductor would cost seconds for fragments that are not used.
FILES_PER_CLASS = 160

IMPORT = re.compile(r"from\s+[\w.]+\s+import\b|import\s+[\w.]+")


def read(spec: DataSpec) -> Pool:
    """Up to PER_CLASS fragments of each subpackage; the files are the groups of the pool."""
    import numpy as np

    rng = np.random.default_rng([spec.seed, 1])
    root = package()
    digest = hashlib.sha256()
    texts: list[str] = []
    y: list[int] = []
    groups: list[int] = []
    file = 0
    for c, name in enumerate(SUBPACKAGES):
        paths = sorted((root / name).rglob("*.py"))
        found: list[tuple[str, int]] = []
        for at in np.sort(rng.permutation(len(paths))[:FILES_PER_CLASS]):
            raw = paths[at].read_bytes()
            digest.update(f"{paths[at].relative_to(root).as_posix()} {len(raw)}\n".encode() + raw)
            pieces = fragments(code_lines(raw.decode("utf-8", errors="replace")))
            picked = np.sort(rng.permutation(len(pieces))[:PER_FILE])
            found += [(pieces[i], file) for i in picked]
            file += 1
        kept = np.sort(rng.permutation(len(found))[:PER_CLASS])
        texts += [found[i][0] for i in kept]
        groups += [found[i][1] for i in kept]
        y += [c] * len(kept)
    source = origin("torch_code", spec, ", ".join(SUBPACKAGES), digest.hexdigest())
    labels = np.array(y, dtype=np.int64)
    return Pool("text", texts, labels, list(SUBPACKAGES), source, groups=np.array(groups))


def code_lines(text: str) -> list[str]:
    """The lines of a Python file but for import statements, comments and blank ones."""
    kept = []
    brackets = continued = False
    for line in text.splitlines():
        bare = line.strip()
        if brackets or continued or IMPORT.match(bare):
            brackets = (brackets or "(" in bare) and ")" not in bare
            continued = bare.endswith("\\")
        elif bare and not bare.startswith("#"):
            kept.append(line.rstrip())
    return kept


def fragments(lines: list[str]) -> list[str]:
    """Cut lines into texts of CHARACTERS or a little more; a shorter rest is left out."""
    texts: list[str] = []
    current: list[str] = []
    size = 0
    for line in lines:
        current.append(line)
        size += len(line) + 1
        if size >= CHARACTERS:
            texts.append("\n".join(current))
            current, size = [], 0
    return texts


SOURCE = Source(
    name="torch_code",
    kind="text",
    origin="embedded",
    description="fragments of the installed torch's Python files, 10 subpackages, 15,000 samples",
    read=read,
    state=version,
)
