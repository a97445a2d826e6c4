"""Diagonal of the resolvent (H − zI)⁻¹ of H = tridiag(1, a, 1) at z = i: O(n), full gradient.

With s_i = a_i − z:

    L_i = s_i − 1 / L_{i−1}, L_0 = s_0         left recursion: looks back only
    R_i = s_i − 1 / R_{i+1}, R_{n−1} = s_{n−1}  right recursion: looks ahead
    causal     g_i = 1 / L_i                    of the leading block: what a language model may use
    two-sided  G_ii = 1 / (L_i + R_i − s_i)      for an encoder

For real a, Im L_i ≤ −1, so |L_i| ≥ 1: nothing overflows and nothing is singular. Two steps always
multiply |L|: |L_i L_{i−1}| = |s_i L_{i−1} − 1| ≥ |s_i| + 1/|s_i| ≥ 2. Hence |∂g_i / ∂g_{i−m}| =
Π |g|² ≤ 2^−m for even m, twice that for odd m: whatever lies more than WARM_UP tokens back is below
rounding, and the sequence can be cut into pieces that each begin that much earlier.

Gradient. For dℓ = Re Σ c_i dg_i it is ∂ℓ/∂a_j = Re μ_j with μ_i = w_i + g_i² μ_{i+1}, w = −c g²:
every j ≤ i counts, not j = i alone. Two-sided: w = −c G² enters both recursions, less w for −s.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Combine = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], tuple[Tensor, ...]]

METHODS = ("sequential", "windows", "scan")
# Steps after which the start is forgotten to rounding: 2^−27 (float32) and 2^−56 (float64).
WARM_UP = {torch.complex64: 28, torch.complex128: 57}
# Tokens per piece of the method `windows`.
PIECE = 64
# Real operations per token, for counts of FLOPs that no counter sees (a complex product is 6, a sum
# 2, a reciprocal 6). Forward: s − g, 1/·. Backward: g², c·g² and g²·μ, the sum.
FORWARD_FLOPS, BACKWARD_FLOPS = 8, 20


def resolvent(a: Tensor, causal: bool = True, method: str | None = None) -> Tensor:
    """(Re g, Im g) of each token: a real [..., n] → [..., n, 2], in float32 or float64.

    Half precisions are computed in float32. method: one of METHODS, by default the fastest:
    `sequential` up to 128 tokens on a CPU, `windows` beyond, `scan` on a GPU. All are O(n) in time
    and memory. Second derivatives are not implemented.
    """
    if a.dtype not in (torch.float32, torch.float64):
        a = a.float()
    return _Resolvent.apply(a, causal, method or _fastest(a))


class _Resolvent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a: Tensor, causal: bool, method: str) -> Tensor:
        rows = a.reshape(-1, a.shape[-1]).t()  # [n, rows]: a step of the recursion is one row
        s = torch.complex(rows, torch.full_like(rows, -1.0))
        left = moebius(s, method)
        if causal:
            g, right = left, None
        else:
            right = moebius(s.flip(0), method).flip(0)
            g = (left.reciprocal() + right.reciprocal() - s).reciprocal()
        ctx.save_for_backward(left, right, None if causal else g)
        ctx.method, ctx.shape = method, a.shape
        return torch.view_as_real(g.t().contiguous()).view(*a.shape, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        left, right, g = ctx.saved_tensors
        n = ctx.shape[-1]
        # Re Σ c dg equals the sum of both real gradients for c the conjugate of what arrives.
        c = torch.view_as_complex(grad.reshape(-1, n, 2).contiguous()).conj().t()
        if right is None:
            w = -c * left.square()
            mu = _backwards(w, left, ctx.method)
        else:
            w = -c * g.square()
            mu = _backwards(w, left, ctx.method) - w
            mu += affine(right.square(), w, ctx.method)
        return mu.real.t().reshape(ctx.shape), None, None


def moebius(s: Tensor, method: str) -> Tensor:
    """g_i = 1 / (s_i − g_{i−1}) with g_{−1} = 0: s complex [n, rows], Im s ≤ −1."""
    if method == "scan":
        one, nought = torch.ones_like(s), torch.zeros_like(s)
        numerator, _, denominator, _ = _scan((s, -one, one, nought), _compose)
        return denominator / numerator
    if method == "windows":
        # A token of s = −10¹⁵ i leaves g = 10⁻¹⁵ i to the first one: nothing, to rounding.
        return _join(_moebius_steps(_cut(s, -1e15j)), s)
    return _moebius_steps(s.clone(memory_format=torch.contiguous_format))


def affine(f: Tensor, w: Tensor, method: str) -> Tensor:
    """y_i = w_i + f_i y_{i−1} with y_{−1} = 0: complex [n, rows], |f_i f_{i−1}| ≤ 1/4."""
    if method == "scan":
        return _scan((f, w), lambda new, old: (new[0] * old[0], new[1] + new[0] * old[1]))[1]
    if method == "windows":
        return _join(_affine_steps(_cut(f, 0.0), _cut(w, 0.0)), w)
    return _affine_steps(f, w.clone(memory_format=torch.contiguous_format))


def _backwards(w: Tensor, g: Tensor, method: str) -> Tensor:
    """μ_i = w_i + g_i² μ_{i+1}."""
    return affine(g.square().flip(0), w.flip(0), method).flip(0)


def _fastest(a: Tensor) -> str:
    if a.device.type == "cuda":
        return "scan"
    return "sequential" if a.shape[-1] <= 128 and not a.is_meta else "windows"


def _moebius_steps(s: Tensor) -> Tensor:
    """In place, one step for all rows: 2 µs a token on a CPU, up to about 100 rows."""
    steps = s.unbind(0)
    last = steps[0].reciprocal_()
    for step in steps[1:]:
        last = step.sub_(last).reciprocal_()
    return s


def _affine_steps(f: Tensor, w: Tensor) -> Tensor:
    """In place in w."""
    steps = w.unbind(0)
    last = steps[0]
    for factor, step in zip(f.unbind(0)[1:], steps[1:], strict=True):
        last = step.addcmul_(factor, last)
    return w


def _cut(x: Tensor, before: complex) -> Tensor:
    """[n, rows] → [WARM_UP + PIECE, pieces · rows]: pieces, each begun WARM_UP tokens early."""
    n, rows = x.shape
    warm_up, pieces = WARM_UP[x.dtype], -(-n // PIECE)
    padded = x.new_full((warm_up + pieces * PIECE, rows), before)
    padded[warm_up : warm_up + n] = x
    windows = padded.unfold(0, warm_up + PIECE, PIECE)  # [pieces, rows, WARM_UP + PIECE]
    # Copied always: the pieces overlap, and the steps work in place.
    apart = windows.permute(2, 0, 1).clone(memory_format=torch.contiguous_format)
    return apart.view(warm_up + PIECE, -1)


def _join(pieces: Tensor, like: Tensor) -> Tensor:
    """Undo `_cut`: drop what was only to warm up, and what fills up the last piece."""
    n, rows = like.shape
    kept = pieces[-PIECE:].view(PIECE, -1, rows).transpose(0, 1)
    return kept.reshape(-1, rows)[:n]


def _scan(x: tuple[Tensor, ...], combine: Combine) -> tuple[Tensor, ...]:
    """All prefixes of an associative product along dim 0: O(n) work in 2 log₂ n rounds.

    Pairs are combined, the half as long sequence is scanned, and the others are filled in
    (Blelloch 1990). combine(newer, older).
    """
    n = len(x[0])
    if n == 1:
        return x
    even, odd = tuple(t[0 : n - n % 2 : 2] for t in x), tuple(t[1::2] for t in x)
    at_odd = _scan(combine(odd, even), combine)
    rest = tuple(t[2::2] for t in x)
    between = combine(rest, tuple(t[: len(rest[0])] for t in at_odd)) if len(rest[0]) else rest
    out = tuple(torch.empty_like(t) for t in x)
    for o, first, at, b in zip(out, x, at_odd, between, strict=True):
        o[0], o[1::2], o[2::2] = first[0], at, b
    return out


def _compose(new: tuple[Tensor, ...], old: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Product of 2×2 matrices over its largest entry: as a Möbius map it has no scale."""
    a, b, c, d = new
    e, f, g, h = old
    product = torch.stack((a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h))
    return (product / product.abs().amax(0)).unbind(0)
