"""Grams of CO₂ that a kilowatt-hour of a country's electricity stands for.

Countries: Ember, Yearly Electricity Data, by way of Our World in Data and the table that codecarbon
3.3.2 ships; CO₂ equivalents over the whole life of a power plant, of electricity generated in the
named year. World: International Energy Agency, Electricity 2025: 445 g CO₂ in 2024, from burning
alone. The two count differently: a country's number is a little high beside the world's.
"""

from __future__ import annotations

import difflib
import math
from typing import NamedTuple

from .errors import UserError

WORLD = 445.0
WORLD_SOURCE = "world average 2024 (IEA, Electricity 2025)"


class Country(NamedTuple):
    """English name, both ISO 3166-1 codes, g CO₂ equivalent per kWh, and the year of that."""

    name: str
    alpha2: str
    alpha3: str
    g_per_kwh: float
    year: int


COUNTRIES = (
    Country("Argentina", "AR", "ARG", 354.103, 2023),
    Country("Australia", "AU", "AUS", 548.692, 2023),
    Country("Austria", "AT", "AUT", 110.812, 2023),
    Country("Belgium", "BE", "BEL", 138.107, 2023),
    Country("Brazil", "BR", "BRA", 98.348, 2023),
    Country("Bulgaria", "BG", "BGR", 335.334, 2023),
    Country("Canada", "CA", "CAN", 170.043, 2023),
    Country("Chile", "CL", "CHL", 291.113, 2023),
    Country("China", "CN", "CHN", 582.317, 2023),
    Country("Colombia", "CO", "COL", 259.511, 2023),
    Country("Croatia", "HR", "HRV", 204.962, 2023),
    Country("Czechia", "CZ", "CZE", 449.724, 2023),
    Country("Denmark", "DK", "DNK", 151.65, 2023),
    Country("Egypt", "EG", "EGY", 570.306, 2023),
    Country("Estonia", "EE", "EST", 416.667, 2023),
    Country("Finland", "FI", "FIN", 79.158, 2023),
    Country("France", "FR", "FRA", 56.039, 2023),
    Country("Germany", "DE", "DEU", 380.95, 2023),
    Country("Greece", "GR", "GRC", 336.574, 2023),
    Country("Hong Kong", "HK", "HKG", 699.499, 2022),
    Country("Hungary", "HU", "HUN", 204.19, 2023),
    Country("Iceland", "IS", "ISL", 27.68, 2022),
    Country("India", "IN", "IND", 713.441, 2023),
    Country("Indonesia", "ID", "IDN", 675.931, 2022),
    Country("Ireland", "IE", "IRL", 290.805, 2023),
    Country("Israel", "IL", "ISR", 582.927, 2022),
    Country("Italy", "IT", "ITA", 330.718, 2023),
    Country("Japan", "JP", "JPN", 485.392, 2023),
    Country("Kenya", "KE", "KEN", 70.492, 2023),
    Country("Latvia", "LV", "LVA", 123.2, 2023),
    Country("Lithuania", "LT", "LTU", 160.072, 2023),
    Country("Luxembourg", "LU", "LUX", 105.263, 2023),
    Country("Malaysia", "MY", "MYS", 605.831, 2022),
    Country("Mexico", "MX", "MEX", 507.245, 2023),
    Country("Netherlands", "NL", "NLD", 267.622, 2023),
    Country("New Zealand", "NZ", "NZL", 112.758, 2023),
    Country("Nigeria", "NG", "NGA", 523.247, 2023),
    Country("Norway", "NO", "NOR", 30.08, 2023),
    Country("Philippines", "PH", "PHL", 610.688, 2023),
    Country("Poland", "PL", "POL", 661.926, 2023),
    Country("Portugal", "PT", "PRT", 165.553, 2023),
    Country("Romania", "RO", "ROU", 240.583, 2023),
    Country("Saudi Arabia", "SA", "SAU", 706.791, 2022),
    Country("Serbia", "RS", "SRB", 636.062, 2023),
    Country("Singapore", "SG", "SGP", 470.783, 2023),
    Country("Slovakia", "SK", "SVK", 116.774, 2023),
    Country("Slovenia", "SI", "SVN", 231.275, 2023),
    Country("South Africa", "ZA", "ZAF", 707.686, 2023),
    Country("South Korea", "KR", "KOR", 430.567, 2023),
    Country("Spain", "ES", "ESP", 174.05, 2023),
    Country("Sweden", "SE", "SWE", 40.695, 2023),
    Country("Switzerland", "CH", "CHE", 34.843, 2023),
    Country("Taiwan", "TW", "TWN", 642.378, 2023),
    Country("Thailand", "TH", "THA", 549.583, 2023),
    Country("Turkey", "TR", "TUR", 464.586, 2023),
    Country("Ukraine", "UA", "UKR", 259.693, 2022),
    Country("United Arab Emirates", "AE", "ARE", 561.135, 2022),
    Country("United Kingdom", "GB", "GBR", 237.589, 2023),
    Country("United States", "US", "USA", 369.473, 2023),
    Country("Vietnam", "VN", "VNM", 475.449, 2023),
)
_BY_WORD = {
    word.casefold(): country
    for country in COUNTRIES
    for word in (country.name, country.alpha2, country.alpha3)
}


def intensity(given: float | str) -> tuple[float, str]:
    """(g CO₂ per kWh, where that number is from) of a number, a country's name or its ISO code.

    Raises UserError for a country that is not in the table, naming the nearest.
    """
    if not isinstance(given, str):
        if not 0 < given < math.inf:
            raise UserError(f"{given:g} g CO₂ per kWh: a number above 0, or a country")
        return float(given), WORLD_SOURCE if given == WORLD else "stated in the configuration"
    country = _BY_WORD.get(given.strip().casefold())
    if country is None:
        names = [country.name for country in COUNTRIES]
        close = difflib.get_close_matches(given.strip().title(), names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UserError(
            f"no country {given!r} in the table; {hint}give an English name, an ISO code (FR, FRA) "
            f"or a number of g per kWh. There are: {', '.join(names)}"
        )
    return country.g_per_kwh, f"{country.name} {country.year} (Ember, by way of Our World in Data)"
