"""How hard is `torch_code`? Logistic regression on weighted counts of tokens, by training samples.

    python tests/benchmarks/torch_code_linear.py

Printed on two CPU cores with torch 2.15:

    prepared in 3.5 s of CPU: {'train': 10477, 'validation': 1510, 'test': 3013}
    training samples   training accuracy   test accuracy
                 524               1.000           0.406
                1048               0.999           0.471
                2619               0.996           0.515
                5238               0.990           0.554
               10477               0.976           0.582
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from alphascale.config import Data
from alphascale.data.make import build
from alphascale.data.store import prefix
from alphascale.slices import data_spec


def counts(x: np.ndarray, vocabulary: int) -> csr_matrix:
    """Occurrences of each token but the pad (id 0): [n, vocabulary]."""
    n, length = x.shape
    cells = (np.repeat(np.arange(n), length), x.ravel())
    matrix = csr_matrix((np.ones(x.size), cells), shape=(n, vocabulary))
    matrix.data[matrix.indices == 0] = 0
    matrix.eliminate_zeros()
    return matrix


def main() -> None:
    section = data_spec(Data(source="torch_code", length=64), 0)
    started = time.process_time()
    tensors, about = build(section, say=lambda message: None)
    print(f"prepared in {time.process_time() - started:.1f} s of CPU: {about.sizes}")
    weigh = TfidfTransformer(sublinear_tf=True)
    train = weigh.fit_transform(counts(tensors["train_x"], about.vocabulary))
    test = weigh.transform(counts(tensors["test_x"], about.vocabulary))
    print("training samples   training accuracy   test accuracy")
    for fraction in (0.05, 0.1, 0.25, 0.5, 1.0):
        rows = prefix(train.shape[0], fraction)
        y = tensors["train_y"][:rows]
        model = LogisticRegression(C=5, max_iter=200).fit(train[:rows], y)
        inside, outside = model.score(train[:rows], y), model.score(test, tensors["test_y"])
        print(f"{rows:16d}   {inside:17.3f}   {outside:13.3f}")


if __name__ == "__main__":
    main()
