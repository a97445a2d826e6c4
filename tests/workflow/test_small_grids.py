"""The reference grid's quick test on small text, and the study of the four regimes, as they run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from alphascale import pipeline
from alphascale.records.typed import Refused

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_the_two_by_two_grid_runs_to_its_laws(root: Path, tmp_path, monkeypatch) -> None:
    """ResNet-BK's quick test beside the Transformer's, for one epoch of a text that is at hand."""
    monkeypatch.chdir(tmp_path)
    study = yaml.safe_load((root / "config/paper.yaml").read_text())
    small = {"source": "torch_source", "length": 32, "vocabulary": 300, "limit": 400}
    for name in ("language", "language_bk"):
        study["domains"][name]["data"] = small
    done = pipeline.run(study, quick=True, epochs=1, device="cpu", cores=2)
    assert done.folder.name == "paper-e1-quick"
    assert len(done.records("language_bk")) == len(done.records("language")) == 4
    found = done.language("language")
    for domain in found.domains.values():
        assert {(p.d_model, p.n_layers) for p in domain.points} == {
            (64, 4), (64, 8), (128, 4), (128, 8),
        }  # fmt: skip
        assert all(1 < p.mean_perplexity < 300 for p in domain.points)
        assert not isinstance(domain.widening, Refused)
    said = done.text("language/language")
    assert said.count("d128-l8") == 2 and "R² of all sizes" in said and "wider or deeper" in said
    drawn = {path.stem for path in done.figures("language")}
    assert drawn >= {"perplexity", "width", "depth", "cost"}


def test_the_small_study_shows_all_four_regimes(root: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = pipeline.run(root / "config/regimes.yaml", cores=2)
    much_data, much_width = (done.regimes(name).axes for name in ("much_data", "much_width"))
    assert much_data["samples"].verdict == "variance", much_data["samples"].evidence
    assert much_data["width"].verdict == "resolution", much_data["width"].evidence
    assert much_width["width"].verdict == "variance", much_width["width"].evidence
    assert much_width["samples"].verdict == "resolution", much_width["samples"].evidence
