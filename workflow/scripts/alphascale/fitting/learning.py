"""A prior learned from finished ladders: what a team's own studies say of its next one.

Every belief of `alphascale.laws.priors` is a normal over a form's coordinates, and a weight. Over
ladders the two are the top of a hierarchy, and are found by expectation–maximisation (Dempster
et al. 1977; for normals of normals Gelman et al. 2013, ch. 5): each
ladder is fitted under the current beliefs, ladder j gives form f the weight r and its coordinate
the mean μ and variance v, and with the shipped belief as `STRENGTH` ladders of its own

    weight = (S·w₀ + Σ r) / (S + J)        m = (S·w₀·m₀ + Σ r·μ) / (S·w₀ + Σ r)
    s²     = (S·w₀·(s₀² + (m₀−m)²) + Σ r·(v + (μ−m)²)) / (S·w₀ + Σ r)

The share of floor and that of N in what can be gained depend on where a ladder ends; they are taken
at its end and at the middle of its sizes (a next ladder may be half as long), half and half. How
far a form may be wrong beyond the runs is weighed like the forms, and learned like their weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.candidates import fit_candidates
from alphascale.laws.ladder import condense, gather
from alphascale.laws.priors import SHIPPED, Belief, Beliefs
from alphascale.laws.selection import MOST, weigh
from alphascale.laws.shapes import ALPHA, BETA, FLOOR, INNER, LEVEL, NAMES, SHARE

FloatArray = np.ndarray
FORMAT = "alphascale-prior/1"
STRENGTH = 1.0  # ladders that the shipped prior counts for
ROUNDS = 3
MOST_MEAN, LEAST_SD = 50.0, 1e-3  # in logarithms and logits: e^50 is no ratio that a run has
STRETCHES = ("stretch_weights", "stretch_two_weights")


def learn(
    ladders: Sequence[tuple[FloatArray, FloatArray, FloatArray | None]], beliefs: Beliefs = SHIPPED
) -> Beliefs:
    """Beliefs after `ladders`, each of x (r, m), y (m,) and cluster (m,) or None as `auto` takes
    them; those of one predictor teach `one`, those of two `two`. Raises UserError for a ladder that
    cannot be fitted.
    """
    start = beliefs
    for _ in range(ROUNDS):
        found = {1: [], 2: []}
        for x, y, cluster in ladders:
            found[len(x)].append(_moments(x, y, cluster, beliefs))
        beliefs = replace(
            start,
            one=_updated(start.one, [forms for forms, _ in found[1]]),
            two=_updated(start.two, [forms for forms, _ in found[2]]),
            stretch_weights=_shares(start.stretch_weights, [s for _, s in found[1]]),
            stretch_two_weights=_shares(start.stretch_two_weights, [s for _, s in found[2]]),
        )
    return beliefs


def save(beliefs: Beliefs, path: str | Path, learned_from: Sequence[str]) -> None:
    """Write beliefs as JSON; `read_prior` gives them back. learned_from: a line each."""
    data = {"format": FORMAT, "learned_from": list(learned_from)}
    data |= {name: list(getattr(beliefs, name)) for name in STRETCHES}
    for role in ("one", "two"):
        data[role] = [
            {
                "form": each.name,
                "weight": each.weight,
                "coordinates": {
                    NAMES[i]: [each.mean[i], each.sd[i]]
                    for i in np.flatnonzero(np.isfinite(each.sd) & (each.sd > 0))
                },
            }
            for each in getattr(beliefs, role)
        ]
    Path(path).write_text(json.dumps(data, indent=1) + "\n")


def read_prior(path: str | Path) -> Beliefs:
    """Beliefs that `save` wrote, on top of the shipped ones: the same forms in the same order.

    Raises UserError, one line, for a file that is none.
    """
    try:
        data = json.loads(Path(path).read_text())
        if data["format"] != FORMAT:
            raise ValueError(f"format is {data['format']!r}, expected {FORMAT!r}")
        forms = {role: _read(getattr(SHIPPED, role), data[role]) for role in ("one", "two")}
        shares = {name: tuple(map(float, data[name])) for name in STRETCHES}
        for name, each in shares.items():
            if len(each) != len(getattr(SHIPPED, name)) or not all(map(_weight, each)):
                raise ValueError(f"{name} must be {len(getattr(SHIPPED, name))} positive numbers")
        return replace(SHIPPED, **forms, **shares)
    except OSError as fault:
        raise UserError(f"{path}: a prior cannot be read there ({fault.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        fault = f"{fault} is missing" if isinstance(fault, KeyError) else fault
        raise UserError(
            f"{path}: not a prior of this version ({fault}); make one with `alphascale prior`"
        ) from None


def _read(shipped: tuple[Belief, ...], rows: list[dict]) -> tuple[Belief, ...]:
    if [each.name for each in shipped] != [row["form"] for row in rows]:
        raise ValueError(f"its forms are not {', '.join(each.name for each in shipped)}")
    out = []
    for each, row in zip(shipped, rows, strict=True):
        mean, sd = each.mean.copy(), each.sd.copy()
        for name, (m, s) in row["coordinates"].items():
            i = NAMES.index(name)
            if not (each.sd[i] > 0 and abs(m) < MOST_MEAN and LEAST_SD < s < MOST_MEAN):
                raise ValueError(f"{each.name}: {name} must be a free coordinate, mean and sd > 0")
            mean[i], sd[i] = m, s
        if not _weight(row["weight"]):
            raise ValueError(f"{each.name}: its weight must be positive")
        out.append(Belief(each.name, float(row["weight"]), mean, sd))
    return tuple(out)


def _weight(value: float) -> bool:
    return 0 < value < 1e6


def _moments(x, y, cluster, beliefs: Beliefs):
    """Of each form in order: its posterior weight, mean (8,) and variance (8,) of its coordinates;
    and the posterior weights (S,) of how far a form may be wrong.

    Forms of one name (the two floors of a form) are told apart by their place.
    """
    levels = condense(gather(np.atleast_2d(x), y, cluster), MOST)
    near = replace(levels, logs=levels.logs - levels.logs[:, -1:], v=levels.v - float(levels.v[-1]))
    found = fit_candidates(near, beliefs)
    each = weigh(found, beliefs)
    weight = np.bincount(found.row, each, minlength=len(found.modes.P))
    stretch = each.reshape(-1, len(weight)).sum(axis=1)  # candidates repeat the modes for each
    forms = beliefs.one if len(near.logs) == 1 else beliefs.two
    rows = np.arange(len(weight)) // len(beliefs.discounts)
    back = 0.5 * np.ptp(near.logs, axis=1)
    P, variance = found.modes.P, np.einsum("bii->bi", np.linalg.inv(found.modes.precision))
    places = [P, _referred(P, back)]
    out = []
    for form in range(len(forms)):
        mine = rows == form
        share = weight[mine] / max(weight[mine].sum(), 1e-300)
        mean = np.mean([share @ place[mine] for place in places], axis=0)
        spread = [share @ ((place[mine] - mean) ** 2 + variance[mine]) for place in places]
        out.append((float(weight[mine].sum()), mean, np.mean(spread, axis=0)))
    return out, stretch


def _referred(P: FloatArray, back: FloatArray) -> FloatArray:
    """The coordinates (B, 8) as seen from a reference `back` (r,) earlier in each logarithm."""
    out = P.copy()
    alpha, beta, inner = (np.exp(P[:, i]) for i in (ALPHA, BETA, INNER))
    one = alpha * back[0] - np.logaddexp(0, -P[:, SHARE])
    two = np.full(len(P), -np.inf)
    if len(back) > 1:
        two = beta * back[1] - np.logaddexp(0, P[:, SHARE])
        out[:, SHARE] += alpha * back[0] - beta * back[1]
    out[:, FLOOR] -= inner * np.logaddexp(one, two)
    return out


def _shares(shipped: tuple[float, ...], found: list[FloatArray]) -> tuple[float, ...]:
    """Weights of how far a form may be wrong, as those of the forms."""
    if not found:
        return shipped
    total = sum(shipped)
    both = STRENGTH * np.array(shipped) / total + np.sum(found, axis=0)
    return tuple((total * both / (STRENGTH + len(found))).tolist())


def _updated(shipped: tuple[Belief, ...], found: list) -> tuple[Belief, ...]:
    if not found:
        return shipped
    total = sum(each.weight for each in shipped)
    out = []
    for form, each in enumerate(shipped):
        own = STRENGTH * each.weight / total
        r = np.array([moments[form][0] for moments in found])[:, None]
        mu = np.array([moments[form][1] for moments in found])
        v = np.array([moments[form][2] for moments in found])
        count = own + r.sum()
        mean, sd = each.mean.copy(), each.sd.copy()
        free = np.isfinite(each.sd) & (each.sd > 0)
        free[LEVEL] = False
        mean[free] = ((own * each.mean + (r * mu).sum(axis=0)) / count)[free]
        before = each.sd[free] ** 2 + (each.mean - mean)[free] ** 2
        after = (r * (v + (mu - mean) ** 2)).sum(axis=0)[free]
        sd[free] = np.sqrt((own * before + after) / count)
        weight = total * (own + float(r.sum())) / (STRENGTH + len(found))
        out.append(Belief(each.name, weight, mean, sd))
    return tuple(out)
