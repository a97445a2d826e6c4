"""The resolvent's diagonal and its gradient, against dense linear algebra."""

from __future__ import annotations

import pytest
import torch
from alphascale.networks.resolvent import METHODS, resolvent


def diagonal(n: int, rows: int = 3, dtype: torch.dtype = torch.float64, seed: int = 0):
    """Values of a as the model makes them: −2 + v, v from −3 to 3, ends included."""
    source = torch.Generator().manual_seed(seed)
    v = 2 * torch.randn(rows, n, generator=source, dtype=torch.float64)
    return (v.clamp(-3, 3) - 2).to(dtype)


def dense(a: torch.Tensor, causal: bool) -> torch.Tensor:
    """By inverting every (leading) matrix: a [rows, n] → [rows, n, 2], differentiable."""
    n = a.shape[-1]
    beside = torch.diag(torch.ones(n - 1, dtype=a.dtype), 1)
    matrix = torch.diag_embed(a) + beside + beside.T - 1j * torch.eye(n, dtype=a.dtype)
    if not causal:
        return torch.view_as_real(torch.linalg.inv(matrix).diagonal(dim1=1, dim2=2).contiguous())
    last = [torch.linalg.inv(matrix[:, : i + 1, : i + 1])[:, -1, -1] for i in range(n)]
    return torch.view_as_real(torch.stack(last, 1))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", [1, 2, 7, 150])
def test_diagonal_is_that_of_the_dense_inverse(n, causal, method):
    a = diagonal(n)
    expected = dense(a, causal)
    assert (resolvent(a, causal, method) - expected).abs().max() < 1e-12
    single = resolvent(a.float(), causal, method)
    assert single.dtype == torch.float32
    assert (single - expected).abs().max() < 1e-6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("causal", [True, False])
def test_gradient_is_that_through_the_dense_inverse(causal, method):
    a = diagonal(90, rows=2).requires_grad_()
    weights = torch.randn(2, 90, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (expected,) = torch.autograd.grad((dense(a, causal) * weights).sum(), a)
    (found,) = torch.autograd.grad((resolvent(a, causal, method) * weights).sum(), a)
    assert (found - expected).abs().max() < 1e-9
    # What a gradient kept for j = i alone would be is far off.
    g = torch.view_as_complex(resolvent(a.detach(), causal))
    own = -(torch.view_as_complex(weights).conj() * g.square()).real
    assert (expected - own).abs().max() > 1e-2


def test_gradient_reaches_every_token_before_and_none_after():
    a = diagonal(12, rows=1).requires_grad_()
    (found,) = torch.autograd.grad(resolvent(a)[0, 8].sum(), a)
    assert (found[0, :9] != 0).all()
    assert (found[0, 9:] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_long_sequences_stay_accurate_in_complex64(method):
    """4,096 tokens; the θ/φ determinant recursion overflows complex128 before 1,400."""
    n = 4096
    for a in (diagonal(n), torch.full((1, n), -5.0).double(), torch.full((1, n), 1.0).double()):
        exact = resolvent(a, True, "sequential")
        single = a.float().requires_grad_()
        found = resolvent(single, True, method)
        assert (found - exact).norm() / exact.norm() < 1e-6
        found.square().sum().backward()
        reference = a.clone().requires_grad_()
        resolvent(reference, True, "sequential").square().sum().backward()
        scale = reference.grad.abs().max()
        assert (single.grad - reference.grad).abs().max() / scale < 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", [0, 63, 64, 130])
def test_causal_values_ignore_what_comes_after(method, at):
    a = diagonal(150, dtype=torch.float32)
    changed = a.clone()
    changed[:, at] += 1.5
    before, after = resolvent(a, True, method), resolvent(changed, True, method)
    assert torch.equal(before[:, :at], after[:, :at])
    assert (before[:, at:] - after[:, at:]).abs().amax(1).min() > 1e-3


def test_two_steps_forget_by_a_factor_of_four():
    """The bound that makes `windows` exact, at the diagonals that come nearest to it."""
    for value in (-5.0, -1.0, 0.0, 0.3, 1.0):
        a = torch.full((1, 40), value, dtype=torch.float64)
        changed = a.clone()
        changed[0, 0] += 0.01
        change = (resolvent(a) - resolvent(changed)).norm(dim=2)[0]
        assert (change[2:20:2] <= change[0:18:2] / 4 * (1 + 1e-3)).all()


def test_half_precision_is_computed_in_float32():
    a = diagonal(50, dtype=torch.bfloat16)
    assert torch.equal(resolvent(a), resolvent(a.float()))
    a = a.requires_grad_()
    resolvent(a).sum().backward()
    assert a.grad.dtype == torch.bfloat16
