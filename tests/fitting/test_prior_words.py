"""A prior that cannot be read: what is missing in it is told from what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alphascale.errors import UserError
from alphascale.fitting.learning import read_prior, save
from alphascale.laws.priors import SHIPPED


@pytest.mark.parametrize(("key", "value", "missing"), [("one", None, True), ("format", "x", False)])
def test_only_what_is_missing_is_called_so(tmp_path: Path, key, value, missing: bool) -> None:
    path = tmp_path / "prior.json"
    save(SHIPPED, path, [])
    data = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in (data | {key: value}).items() if v is not None}))
    with pytest.raises(UserError) as fault:
        read_prior(path)
    assert key in str(fault.value) and ("is missing" in str(fault.value)) == missing
