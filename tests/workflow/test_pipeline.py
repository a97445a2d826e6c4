"""The pipeline from Python and by one command: runs, records, laws, figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from alphascale import pipeline
from alphascale.cli import main
from alphascale.errors import UserError
from study_made import write_table


def test_importing_alphascale_imports_nothing_heavy() -> None:
    code = (
        "import sys; import alphascale; print('numpy' in sys.modules); "
        "from alphascale import fit, load, regimes, front, Calculator; "
        "print('torch' in sys.modules, 'snakemake' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["False", "False False"], done.stderr


def test_what_alphascale_offers_is_named_where_it_is_not() -> None:
    import alphascale

    assert set(alphascale.LAZY) <= set(dir(alphascale))
    with pytest.raises(AttributeError, match="Calculator, Results, fit"):
        alphascale.fitt  # noqa: B018


def study(folder: Path) -> dict:
    write_table(folder / "people.csv")
    return {
        "run": "table",
        "bootstrap": {"resamples": 100},
        "domains": {
            "people": {
                "data": {"source": "csv", "path": str(folder / "people.csv"), "label": "kind",
                         "drop": ["id"]},
                "family": "mlp",
                "ladder": {f"w{w}": {"width": w} for w in (2, 4, 8)},
                "quick": {"only": ["w2", "w4", "w8"], "epochs": 2},
                "seeds": [0, 1],
                "training": {"epochs": 5, "batch_size": 32, "learning_rates": [1.0e-2]},
                "target": {"accuracy": 0.8},
            },
            "other": {
                "data": {"source": "letter"}, "family": "mlp", "target": {"accuracy": 0.9},
                "ladder": {f"w{w}": {"width": w} for w in (2, 4, 8)},
            },
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, pipeline.Results]:
    """The quick test of one domain, with other epochs and batches, run from Python."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = pipeline.run(
            study(folder), domains=["people"], quick=True, epochs=3, batch_size=64, device="cpu",
            results="mine", cores=2,
        )  # fmt: skip
    return folder, pipeline.Results(folder / done.folder)


def test_a_study_is_run_and_read_from_python(trained) -> None:
    folder, done = trained
    assert done.folder == folder / "mine" / "table-e3-b64-people-quick" and done.domains == [
        "people"
    ]
    records = done.records("people")
    assert set(records) == {(scale, "1.0") for scale in ("w2", "w4", "w8")}
    training = records["w2", "1.0"].spec.training
    assert (training.epochs, training.batch_size) == (3, 64)
    frame = done.observations("people")
    assert len(frame) == 6 and frame["epochs_run"].max() == 3
    assert done.fit("people").domain == "people" == done.decision("people").domain
    law = done.law("people")
    assert np.isfinite(law.predict({"params": [100.0]}).mean).all()
    assert "people: target accuracy 80 %" in done.text()
    assert {path.stem for path in done.figures("people")} >= {"accuracy", "regimes", "front"}
    assert done.draw("people", "compute").axes
    assert done.regimes("people").size == "width"


def test_what_is_not_there_is_one_line(trained) -> None:
    _, done = trained
    with pytest.raises(UserError, match=r"observations/none.csv: is not there: run the study"):
        done.observations("none")
    with pytest.raises(UserError, match="no figure 'colour': accuracy, loss"):
        done.draw("people", "colour")


def test_one_run_by_one_command(tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study(tmp_path), sort_keys=False))
    command = ["run", "mine.yaml", "--domains", "people"]
    other = "--scales w4 --epochs 1 --batch-size 16 --device cpu --results there --cores 1"
    assert main([*command, *other.split()]) == 0
    assert "results: there/table-e1-b16" in capfd.readouterr().out
    made = pipeline.Results("there/table-e1-b16")
    ((cell, record),) = made.records("people").items()
    assert cell == ("w4", "1.0") and record.spec.training.epochs == 1
    assert record.spec.device == "cpu" and record.spec.training.batch_size == 16
    assert main([*command, "--scales", "w5"]) == 2
    assert "no scale 'w5': w2, w4, w8" in capfd.readouterr().err
    assert main([*command[:2], "--domains", "persons"]) == 2
    assert "no domain 'persons': people, other" in capfd.readouterr().err
    assert main([*command, "--epochs", "0"]) == 2
    assert "domains.people.training.epochs" in capfd.readouterr().err
    # A look leaves no mark, and part of a study has tables of its own.
    assert main([*command, "--dry-run"]) == 0
    assert "results: results/table-people" in capfd.readouterr().out
    assert not Path("results/table-people/study.yaml").exists()
