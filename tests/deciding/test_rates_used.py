"""What the summary says of learning rates: how they were set, and what a full sweep would cost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from alphascale.deciding.costs import throughput
from alphascale.deciding.rates import rates_text, rates_used
from observations_made import observed

SIZES = {f"n{n}": float(n) for n in (500, 1_000, 2_000, 4_000)}


def frame():
    """Two swept sizes at the whole, all else at one rate, the largest with a check of one run."""
    made = observed(
        SIZES, lambda n, d: n**-0.3, noise=0.01, pool=1_000, epochs=9, fractions=("0.5", "1.0"),
        rates=3,
    )  # fmt: skip
    made["learning_rate"] = 1e-2
    swept = made["scale"].isin(["n500", "n1000"]) & (made["fraction"] == "1.0")
    checked = (made["scale"] == "n4000") & (made["fraction"] == "1.0")
    made.loc[~swept, "learning_rate"] = 4e-3
    for where, members in ((~swept, 3), (checked, 4)):
        made.loc[where, "job_members"] = members
        made.loc[where, "job_flops"] = made["flops"] * members
    return made


def asked(swept=("n500", "n1000"), halving=False, candidates=(3e-3, 1e-2, 3e-2)):
    return SimpleNamespace(
        rates=3, swept=swept and list(swept), halving=halving, candidates=list(candidates)
    )


def test_what_a_law_saves_is_against_sweeping_every_cell():
    made = frame()
    used = rates_used(asked(), made)
    # In FLOPs of a run of n500 on half of the data: 1.5 × (1 + 2 + 4 + 8) × 2 in all.
    run = made["flops"].min()
    assert used.sweep_flops == pytest.approx(3 * 3 * run * 3 * 15)
    followed = 3 * (1 + 2) + 3 * 3 * (4 + 8)
    assert used.flops == pytest.approx(run * (9 * 2 * 3 + followed + 1 * 2 * 8))
    assert (used.checked, used.beaten, used.ends) == ("n4000", False, (4e-3, 4e-3))
    said = rates_text(used)
    assert "3 rates were swept at n500 and n1000; all else took the one of the law, 0.004;" in said
    assert f"{used.flops / used.sweep_flops:.3g}"[2:4] in said
    made.loc[made["scale"] == "n4000", "warnings"] = "micro_batch law_rate_beaten"
    assert "a lower one did better at n4000" in rates_text(rates_used(asked(), made))


def test_a_law_that_rests_on_the_edge_of_the_list_says_so_and_what_to_add():
    made = frame()
    assert rates_used(asked(), made).edge == ""
    said = rates_text(rates_used(asked(candidates=(1e-3, 1e-2)), made))
    assert "the law rests on the edge of the list" in said and "\n" not in said
    assert "the largest rate, 0.01, did best; add 0.1 to training.learning_rates" in said
    said = rates_text(rates_used(asked(candidates=(1e-2, 2e-2, 8e-2)), made))
    assert "the smallest rate, 0.01, did best; add 0.005 to" in said
    one = made.assign(learning_rate=made["learning_rate"].mask(made["scale"] == "n500", 3e-3))
    assert rates_used(asked(candidates=(1e-3, 3e-3, 1e-2)), one).edge == ""


def test_a_sweep_to_the_end_needs_no_word_and_a_halved_one_has_it():
    made = frame()
    assert rates_used(asked(None), made) is None and rates_text(None) == ""
    used = rates_used(asked(None, halving=True), made)
    assert used.swept == [] and rates_text(used).startswith("rates that could not win any more")


def test_members_that_were_stopped_leave_the_pace_as_it_is():
    """Two thirds of the members stopped after a third of the epochs, and the time with them."""
    made = observed(SIZES, lambda n, d: n**-0.3, noise=0.01, pool=1_000, epochs=9,
                    fractions=("0.5", "1.0"), rates=3)  # fmt: skip
    cut = made.assign(
        job_flops=made["flops"] * (3 + 6 / 3),
        job_seconds=made["job_seconds"] / 9 * (3 + 6 / 3),
    )
    whole, stopped = (throughput(each, 100, None) for each in (made, cut))
    assert stopped.flops_per_second == pytest.approx(whole.flops_per_second)
    assert stopped.step_seconds == pytest.approx(whole.step_seconds)
