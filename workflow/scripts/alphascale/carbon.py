"""Grams of CO₂ that a kilowatt-hour of a country's electricity stands for.

Countries are rows of `resources/carbon_intensity.csv` in this package: CO₂ equivalents over the
whole life of a power plant, of electricity generated in the named year. World: International Energy
Agency, Electricity 2025: 445 g CO₂ in 2024, from burning alone. The two count differently: a
country's number is a little high beside the world's.
"""

from __future__ import annotations

import csv
import difflib
import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from .errors import UserError

WORLD = 445.0
WORLD_SOURCE = "world average 2024 (IEA, Electricity 2025)"


class Country(NamedTuple):
    """One row of the table."""

    name: str  # in English
    # alpha2, alpha3: codes of ISO 3166-1
    alpha2: str
    alpha3: str
    g_per_kwh: float  # g CO₂ equivalent per kWh generated
    year: int  # of that number
    source: str  # who published it


@lru_cache
def countries() -> tuple[Country, ...]:
    """The table's rows, by name. Read by csv: the Snakefile's parse pays for every import."""
    table = Path(__file__).with_name("resources") / "carbon_intensity.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        _, *rows = csv.reader(stream)
    return tuple(
        Country(name, alpha2, alpha3, float(grams), int(year), source)
        for name, alpha2, alpha3, grams, year, source in rows
    )


def intensity(given: float | str) -> tuple[float, str]:
    """(g CO₂ per kWh, where that number is from) of a number, a country's name or its ISO code.

    Raises UserError for a country that is not in the table, naming the nearest.
    """
    if not isinstance(given, str):
        if not 0 < given < math.inf:
            raise UserError(f"{given:g} g CO₂ per kWh: a number above 0, or a country")
        return float(given), WORLD_SOURCE if given == WORLD else "stated in the configuration"
    word = given.strip().casefold()
    for country in countries():
        if word in (each.casefold() for each in country[:3]):
            return country.g_per_kwh, f"{country.name} {country.year} ({country.source})"
    names = [country.name for country in countries()]
    close = difflib.get_close_matches(given.strip().title(), names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise UserError(
        f"no country {given!r} in the table; {hint}give an English name, an ISO code (FR, FRA) "
        f"or a number of g per kWh. There are: {', '.join(names)}"
    )
