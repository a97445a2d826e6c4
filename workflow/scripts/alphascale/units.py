"""Numbers as people read them: three digits, a prefix, a unit."""

from __future__ import annotations

import math
import re
import textwrap

WIDTH = 96  # of a page of text
NO_BREAK = "\u00a0"
PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}


def significant(value: float, digits: int = 3) -> str:
    """`value` at `digits` significant digits, never in powers of ten: 0.00123, 12.3, 12,300."""
    if value == 0:
        return "0"
    decimals = _decimals(value, digits)
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{rounded:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def prefixed(value: float, unit: str, digits: int = 3) -> str:
    """`value` with the SI prefix that leaves 1 to 999 before it: 0.0031 Wh is 3.1 mWh."""
    power = prefix_power(value, digits)
    return f"{significant(value / 10**power, digits)} {PREFIXES[power]}{unit}".rstrip()


def prefix_power(value: float, digits: int = 3) -> int:
    """The power of ten (a multiple of three) of the prefix that suits `value`."""
    if value == 0:
        return 0
    rounded = float(f"{abs(value):.{digits - 1}e}")
    power = 3 * math.floor(math.log10(rounded) / 3)
    return min(max(power, min(PREFIXES)), max(PREFIXES))


def count(value: float | None) -> str:
    """A number of parameters or samples: 342 k, 4.71 M, 7 B; a missing one is infinite."""
    if value is None or math.isinf(value):
        return "∞"
    return prefixed(value, "").replace("G", "B") if value >= 1000 else significant(value)


def percent(share: float, digits: int = 3) -> str:
    """A share as a percentage with a true minus sign: −12 %; only 1 itself is 100 %: 99.99 %."""
    shown = significant(100 * share, digits)
    if shown == "100" and share != 1:
        shown = f"{100 * share:.{_decimals(100 * abs(1 - share), 1)}f}"
    return f"{shown} %".replace("-", "−")


def fixed(value: float, decimals: int, digits: int = 2) -> str:
    """`value` with so many decimals, more where that would leave fewer than `digits` of its own."""
    return f"{value:.{max(decimals, _decimals(value, digits))}f}"


def share(value: float, *ends: float) -> str:
    """A share and the ends of its interval as percentages: 97.1 (96.2 – 97.7 %). Decimals are one,
    more where the value would pass for 0 or 100 or the interval for nothing."""
    inner = min(abs(value), abs(1 - value)) or 1.0
    widths = [abs(a - b) for a in (value, *ends) for b in (value, *ends) if a != b]
    least = min([inner, max(widths, default=inner)])
    decimals = min(max(1, _decimals(100 * least, 1)), 8)
    shown = [f"{100 * each:.{decimals}f}" for each in (value, *ends)]
    return f"{shown[0]} %" + (f" ({' – '.join(shown[1:])} %)" if ends else "")


def _decimals(value: float, digits: int) -> int:
    """Decimals that show `digits` significant digits of a value."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def probability(share: float) -> str:
    """A probability as a percentage; what rounds to certainty says so."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < share < 1 else percent(share)


def energy(kwh: float) -> str:
    return prefixed(1000 * kwh, "Wh")


def mass(grams: float) -> str:
    return prefixed(grams, "g")


def money(amount: float, currency: str) -> str:
    """Two digits, since a price per kWh is known no better; what rounds to nothing says so."""
    if 0 < amount < 0.01:
        return f"< 0.01 {currency}"
    return f"{significant(amount, 2)} {currency}"


def spread(lower: float | None, upper: float | None) -> str:
    """An interval of a number of parameters: 210 k – 1.2 M."""
    return f"{count(lower)} – {count(upper)}"


def wrapped(text: str, first: str, rest: str = " " * 12) -> list[str]:
    """A paragraph of a page of text as lines, begun by `first` and `rest`; no number is parted from
    its unit."""
    lines = textwrap.wrap(
        bind(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
    return [line.replace(NO_BREAK, " ") for line in lines]


def bind(text: str) -> str:
    """The same text with a no-break space between a number and its unit, so that no line ends
    there; undo it by `.replace(NO_BREAK, " ")`."""
    return re.sub(r"(?<=[\d<]) (?=[A-Za-zµ%×\d])", NO_BREAK, text)
