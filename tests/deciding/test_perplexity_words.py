"""A target in perplexity is spoken of as perplexity: in the summary, its table and the figures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from alphascale.deciding.summary import text, withheld_text
from alphascale.deciding.summary_table import table_rows
from alphascale.plots import accuracy, compute, predicted, surface
from alphascale.records.specs import Target
from matplotlib.text import Text
from plot_records import records

WANTED = 1.31


@pytest.fixture(scope="module")
def asked():
    """A ladder whose target of .27 nats was given as a perplexity."""
    made = records(target=("loss", math.log(WANTED)))
    target = replace(made.decision.target, perplexity=WANTED)
    return replace(made, decision=replace(made.decision, target=target))


def test_the_summary_names_no_nats(asked) -> None:
    said = text([asked.decision])
    assert said.startswith(f"tabular: target perplexity {WANTED},")
    assert "nats" not in said and "predicted perplexity 1." in " ".join(said.split())
    errors = asked.decision.withheld.errors
    assert f"{100 * math.expm1(errors.law):.2g} % of the perplexity" in withheld_text(
        asked.decision
    )


def test_the_table_holds_the_perplexity_and_its_prediction(asked) -> None:
    (row,) = table_rows([asked.decision])
    built = asked.decision.architecture.predicted
    assert (row["target_metric"], row["target"]) == ("perplexity", WANTED)
    assert row["predicted"] == pytest.approx(math.exp(built.mean))
    assert row["predicted_upper"] == pytest.approx(math.exp(built.upper))


@pytest.mark.parametrize("module", [accuracy, compute, predicted, surface])
def test_figures_draw_perplexity(asked, module) -> None:
    drawn = module.draw(asked)
    words = " ".join(each.get_text() for each in drawn.findobj(Text)).replace("\u00a0", " ")
    assert "perplexity" in words and "nats" not in words
    if module is compute:
        target = next(line for line in drawn.axes[0].lines if line.get_linestyle() == "-.")
        assert target.get_ydata()[0] == WANTED
        assert f"target perplexity {WANTED}" in words


def test_a_loss_is_still_a_loss() -> None:
    made = records(target=("loss", 0.27)).decision
    assert made.target == Target("loss", 0.27, made.target.confidence)
    assert "target loss 0.27 nats" in text([made])
