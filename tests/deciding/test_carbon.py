"""Carbon intensities: names and codes find one row, a typo is answered, sources are named."""

from __future__ import annotations

import pytest
from alphascale.carbon import countries, intensity
from alphascale.config import Costs, read_study
from alphascale.errors import UserError
from pydantic import ValidationError


def test_a_country_is_found_by_name_and_both_codes() -> None:
    # Ember for 2023, as Our World in Data prints it: France 56, Germany 381.
    for words, grams in ((("France", "fr", "FRA"), 56), ((" germany ", "DE", "deu"), 381)):
        for word in words:
            value, source = intensity(word)
            assert round(value) == grams and "2023" in source and "Ember" in source


def test_numbers_stay_and_the_default_names_its_source() -> None:
    assert intensity(12.5) == (12.5, "stated in the configuration")
    value, source = intensity(Costs().carbon_g_per_kwh)
    assert value == 445 and "IEA" in source


def test_a_typo_is_answered_with_the_country_meant() -> None:
    with pytest.raises(UserError, match="did you mean Sweden"):
        intensity("Swedn")
    for wrong, fault in (("Atlantis", "no country 'Atlantis'"), (-5.0, "above 0"), (0, "above 0")):
        with pytest.raises(ValidationError, match=fault):
            Costs(carbon_g_per_kwh=wrong)


def test_a_wrong_country_ends_the_study_with_its_key() -> None:
    domain = {
        "data": {"source": "letter"}, "family": "mlp", "target": {"accuracy": 0.9},
        "ladder": {f"w{w}": {"width": w} for w in (1, 2, 3, 4, 5)},
    }  # fmt: skip
    with pytest.raises(UserError, match=r"costs\.carbon_g_per_kwh.*Atlantis"):
        read_study({"domains": {"d": domain}, "costs": {"carbon_g_per_kwh": "Atlantis"}})


def test_no_word_means_two_countries() -> None:
    words = [w.casefold() for c in countries() for w in (c.name, c.alpha2, c.alpha3)]
    assert len(set(words)) == len(words)
    assert all(10 < c.g_per_kwh < 1000 and 2020 <= c.year <= 2025 for c in countries())
