"""What is gained from one run to another, and which loss a wanted reduction means."""

from __future__ import annotations

from alphascale.calculator.calculator import Calculator
from alphascale.calculator.known_laws import positive
from alphascale.errors import UserError


def improvement(law, start: dict, end: dict) -> dict:
    """From one run to another by one law: both losses, what is gained, at what factor in compute.

    start, end: arguments of `Calculator.evaluate`. `share` is of the loss, `of_reducible` of what
    lies above the law's floor.
    """
    calculator = Calculator(law)
    a, b = calculator.evaluate(**start), calculator.evaluate(**end)
    gain = a.value - b.value
    out = {
        "law": a.law,
        "from": a.as_dict(),
        "to": b.as_dict(),
        "gain": gain,
        "share": gain / a.value,
        "floor": calculator.law.floor,
        "of_reducible": gain / (a.value - calculator.law.floor),
    }
    both = [n for n in ("params", "tokens", "flops", "min_flops") if n in a.at and n in b.at]
    out["factors"] = {name: b.at[name] / a.at[name] for name in both}
    return out


def wanted_loss(
    now: float, target: float | None, percent: float | None, nats: float | None
) -> float:
    """The loss asked for: a target, or a reduction in per cent or in nats (exactly one of them)."""
    given = [v for v in (target, percent, nats) if v is not None]
    if len(given) != 1:
        raise UserError("say what is wanted by exactly one of target, by-percent and by-nats")
    value = positive("the wanted loss or reduction", given[0])
    wanted = target if target is not None else now - value if nats else now * (1 - value / 100)
    if wanted <= 0:
        raise UserError(
            f"a reduction from {now:.5g} to {wanted:.5g} leaves no loss at all; ask for less"
        )
    if wanted >= now:
        raise UserError(
            f"target {wanted:.5g} is not below the present {now:.5g}: the run is there already"
        )
    return wanted
