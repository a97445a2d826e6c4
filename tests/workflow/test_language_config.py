"""Language domains in the configuration: what belongs together, the reference grid."""

from __future__ import annotations

import copy
import math

import pytest
import yaml
from alphascale import slices as study
from alphascale.config import read_study
from alphascale.errors import UserError


def two_domains() -> dict:
    domain = {
        "data": {"source": "torch_source"},
        "family": "transformer_lm",
        "ladder": {f"d{d}": {"d_model": d, "n_layers": 1} for d in (8, 12, 16, 24, 32)},
        "target": {"perplexity": 60},
    }
    other = copy.deepcopy(domain) | {"family": "resnet_bk", "compare": "one"}
    return {"domains": {"one": domain, "two": other}}


def edited(**keys) -> dict:
    config = two_domains()
    config["domains"]["two"] |= keys
    return config


def test_domains_that_compare_are_judged_together():
    found = read_study(two_domains())
    assert study.language_groups(found) == {"one": ["one", "two"]}
    spec = study.language_slice(found, "one")
    assert {d: s.family for d, s in spec.domains.items()} == {
        "one": "transformer_lm",
        "two": "resnet_bk",
    }
    # A comparison added or gone retrains nothing.
    apart = read_study(edited(compare=None))
    assert study.language_groups(apart) == {"one": ["one"], "two": ["two"]}
    job = ("two", "d8", "1.0")
    assert study.train_slice(found, *job) == study.train_slice(apart, *job)


def test_a_perplexity_is_decided_as_the_loss_that_it_is():
    slice_ = study.decision_slice(read_study(two_domains()), "two")
    assert slice_.metric == "loss"
    assert slice_.target.metric == "loss"
    assert slice_.target.value == pytest.approx(math.log(60))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"compare": "nobody"}, "'nobody' must be another domain"),
        ({"compare": "two"}, "'two' must be another domain"),
        ({"data": {"source": "wikitext2"}}, "'one' has other data"),
        ({"family": "transformer"}, "cannot take source `torch_source`: use transformer_lm or"),
        (
            {"data": {"source": "letter"}},
            "target `perplexity`: of task classes it is",
        ),
        ({"target": {"accuracy": 0.5}}, "it is one of loss, perplexity"),
        ({"target": {"perplexity": 1.0}}, "greater than 1"),
        ({"only": ["d8", "d9"]}, "`only` names 'd9'"),
        ({"only": ["d8", "d12"]}, "has 2 sizes"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_key(keys, words):
    with pytest.raises(UserError) as refusal:
        read_study(edited(**keys))
    message = str(refusal.value)
    assert words in message and "domains.two" in message and "\n" not in message


def test_only_leaves_the_named_sizes_and_changes_no_job_of_theirs():
    found = read_study(edited(only=["d32", "d8", "d12", "d16"], withhold=0))
    assert list(found.domains["two"].ladder) == ["d8", "d12", "d16", "d32"]
    job = ("two", "d8", "1.0")
    assert study.train_slice(found, *job) == study.train_slice(read_study(two_domains()), *job)


def test_the_reference_grid_has_16_sizes_each(root):
    whole = read_study(yaml.safe_load((root / "config" / "paper.yaml").read_text()))
    for domain in ("language", "language_bk"):
        jobs = list(study.cells(whole, domain))
        assert len(jobs) == 16
        training = study.train_slice(whole, domain, *jobs[0]).training.model_dump()
        assert training | {
            "epochs": 5, "batch_size": 32, "optimizer": "adamw", "learning_rates": [1e-3],
            "weight_decay": 0.01, "schedule": "cosine", "clip": 0.5,
        } == training  # fmt: skip
    sizes = {(s["d_model"], s["n_layers"]) for s in whole.domains["language_bk"].ladder.values()}
    assert sizes == {(d, n) for d in (64, 128, 256, 512) for n in (4, 8, 12, 16)}
