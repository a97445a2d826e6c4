"""Language-model families: sizes, FLOPs by hand, causality, learning, the member axis."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
import torch.nn.functional as F
from alphascale.networks.build import build, initialise
from alphascale.networks.count import count_flops, count_params
from alphascale.networks.draws import Masks, generator
from alphascale.networks.experts import EXPERTS, Experts
from alphascale.records.data import Meta

BOTH = ("transformer_lm", "resnet_bk")


def language(vocabulary: int = 50, length: int = 32) -> Meta:
    return Meta("tokens", vocabulary, (length,), vocabulary, None, None, None)


def ids_of(meta: Meta, batch: int, members: int = 1, seed: int = 0) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randint(meta.vocabulary, (members, batch, *meta.shape), generator=source)


# Non-embedding parameters, worked out by hand from the layer's own description: a norm 2d, router
# 4d + 4, four experts of (2d² + 2d) + (2d² + d), v d + 1, mix 3d, s 1; and the last norm 2d.
NON_EMBEDDING = {
    (64, 4): 267_928, (64, 8): 535_728, (64, 12): 803_528, (64, 16): 1_071_328,
    (128, 4): 1_060_120, (128, 8): 2_119_984, (128, 12): 3_179_848, (128, 16): 4_239_712,
    (256, 4): 4_217_368, (256, 8): 8_434_224, (256, 12): 12_651_080, (256, 16): 16_867_936,
    (512, 4): 16_823_320, (512, 8): 33_645_616, (512, 12): 50_467_912, (512, 16): 67_290_208,
}  # fmt: skip
# As published with the configurations themselves.
PUBLISHED = {(64, 4): 4_146_120, (128, 8): 9_846_368, (256, 12): 28_073_848, (512, 16): 98_105_744}


@pytest.mark.parametrize(("d_model", "n_layers"), NON_EMBEDDING)
def test_reference_configurations_have_the_published_parameters(d_model, n_layers):
    found = count_params(
        "resnet_bk", {"d_model": d_model, "n_layers": n_layers}, language(30_000, 128)
    )
    both_ends = 2 * 30_000 * d_model + 30_000 + 128 * d_model
    assert found["non_embedding"] == NON_EMBEDDING[d_model, n_layers]
    assert found["embedding"] == both_ends
    assert found["total"] == PUBLISHED.get(
        (d_model, n_layers), both_ends + NON_EMBEDDING[d_model, n_layers]
    )


def test_the_largest_passes_100_million_at_the_documented_vocabulary(root):
    """16 layers of 16 d² + 22 d + 6, and 2 V d + V + n d + 2 d: V ≥ 31,849 at d 512, n 128."""
    size = {"d_model": 512, "n_layers": 16}
    counts = [count_params("resnet_bk", size, language(v, 128))["total"] for v in (31_848, 31_849)]
    by_hand = 16 * (16 * 512**2 + 22 * 512 + 6) + 31_849 * (2 * 512 + 1) + 128 * 512 + 2 * 512
    assert counts[0] < 100_000_000 <= counts[1] == by_hand
    for document in ("docs/language.md", "config/paper.yaml"):
        assert "31849" in (root / document).read_text().replace(",", ""), document


@pytest.mark.parametrize("d_model", [32, 96])
def test_transformer_parameters_by_hand(d_model):
    meta, size = language(1000, 64), {"d_model": d_model, "n_layers": 3}
    # qkv 3d² + 3d, out d² + d, feed-forward 8d² + 5d, two norms 4d; the last norm 2d.
    layers = 3 * (12 * d_model**2 + 13 * d_model) + 2 * d_model
    learned = count_params("transformer_lm", size, meta)
    assert learned["non_embedding"] == layers
    assert learned["total"] == layers + 2 * 1000 * d_model + 1000 + 64 * d_model
    bare = count_params("transformer_lm", size | {"positions": "rotary", "tied": True}, meta)
    assert bare["total"] == layers + 1000 * d_model


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(
    ("vocabulary", "length", "d", "layers"), [(70, 16, 12, 2), (90, 40, 64, 3)]
)
def test_flops_agree_with_those_derived_by_hand(vocabulary, length, d, layers, members):
    meta, size = language(vocabulary, length), {"d_model": d, "n_layers": layers}
    head = 2 * d * vocabulary
    # Multiply-adds a token: 12 d² in products with weights, T·d for scores and T·d for values.
    transformer = length * (layers * 2 * (12 * d * d + 2 * length * d) + head)
    assert count_flops("transformer_lm", size, meta, members) == {
        "forward": transformer,
        "training": 3 * transformer,
    }
    # One expert of d → 2d → d, router d → 4, v d → 1, mix 2 → d.
    products = length * (layers * 2 * (4 * d * d + 4 * d + d + 2 * d) + head)
    assert count_flops("resnet_bk", size, meta, members) == {
        "forward": products + length * layers * 8,
        "training": 3 * products + length * layers * 28,
    }


def test_flops_without_computing_are_the_same(monkeypatch):
    meta, size = language(), {"d_model": 16, "n_layers": 2}
    for family in BOTH:
        computed = count_flops(family, size, meta)
        monkeypatch.setattr("alphascale.networks.count.SMALL", 0)
        assert count_flops(family, size, meta) == computed
        monkeypatch.undo()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("options", [{}, {"positions": "rotary"}, {"tied": True}, None])
def test_a_token_changes_no_logit_before_it(options, precision):
    family = "resnet_bk" if options is None else "transformer_lm"
    meta = language(length=48)
    model = build(family, {"d_model": 32, "n_layers": 3} | (options or {}), meta, members=2)
    initialise(model, [0, 1])
    model.eval()
    if family == "resnet_bk":  # drawn weights mix little: let a leak, and what should mix, show
        for layer in model.body:
            layer.strength.data.fill_(5.0)
            layer.potential.weight.data.mul_(10.0)
    ids = ids_of(meta, 3)

    def logits(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), torch.autocast("cpu", precision, precision != torch.float32):
            return model(x).float()

    before = logits(ids)
    # Equal to the bit on the CPUs seen; but tokens are sorted by expert, so a change moves the rows
    # of all others, and elsewhere another row of a matrix product may be rounded in another way.
    slack = 1e-5 if precision == torch.float32 else 1e-2
    for t in (0, 1, 17, 31, 47):
        changed = ids.clone()
        changed[:, :, t] = (changed[:, :, t] + 7) % meta.vocabulary
        difference = (logits(changed) - before).abs().amax((0, 1, 3))
        assert t == 0 or difference[:t].max() <= slack, t
        assert difference[t] > 0.1, t
        # It does change the next one: tokens are mixed.
        assert t == 47 or difference[t + 1] > 1.5e-2, t


def test_rotary_positions_turn_queries_and_keys_as_published():
    """The first block against attention written out, pair by pair (Su et al. 2021, eq. 34)."""
    d, length = 16, 12
    meta = language(vocabulary=20, length=length)
    model = build(
        "transformer_lm",
        {"d_model": d, "n_layers": 1, "positions": "rotary", "dropout": 0.0}, meta,
    )  # fmt: skip
    initialise(model, [0])
    model.eval()
    (block,) = model.body
    assert block.heads == 1
    block.qkv.weight.data.mul_(3.0)  # drawn weights attend nearly evenly: let positions show
    ids = ids_of(meta, 2)
    x = model.embedding.embed(ids)[0]
    with torch.no_grad():
        normed = F.layer_norm(x, (d,), block.norms[0].weight[0], block.norms[0].bias[0])
        q, k, v = (normed @ block.qkv.weight[0] + block.qkv.bias[0]).split(d, dim=-1)
        expected = torch.zeros_like(x)
        for b in range(2):
            for t in range(length):
                scores = torch.empty(t + 1)
                for s in range(t + 1):
                    total = 0.0
                    for i in range(d // 2):
                        query = complex(q[b, t, i], q[b, t, i + d // 2])
                        key = complex(k[b, s, i], k[b, s, i + d // 2])
                        turn = cmath.exp(1j * (t - s) * 10_000 ** (-2 * i / d))
                        total += (query * turn * key.conjugate()).real
                    scores[s] = total / math.sqrt(d)
                expected[b, t] = scores.softmax(0) @ v[b, : t + 1]
        x = x + expected @ block.out.weight[0] + block.out.bias[0]
        normed = F.layer_norm(x, (d,), block.norms[1].weight[0], block.norms[1].bias[0])
        hidden = F.gelu(normed @ block.up.weight[0] + block.up.bias[0])
        x = x + hidden @ block.down.weight[0] + block.down.bias[0]
        found = model(ids)[0]
        logits = model.embedding.logits(model.norm(x.flatten(0, 1)[None]).view(1, 2, length, d))[0]
    torch.testing.assert_close(found, logits, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", BOTH)
def test_a_tiny_model_learns_one_batch_by_heart(family):
    meta = language(vocabulary=40, length=16)
    model = build(family, {"d_model": 48, "n_layers": 2, "dropout": 0.0}, meta)
    initialise(model, [0])
    ids = ids_of(meta, 4)
    # What follows is drawn at random: it can only be known by heart, from the tokens before.
    follows = ids_of(meta, 4, seed=1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(300):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(ids).flatten(0, 2), follows.flatten())
        loss.backward()
        optimiser.step()
        if loss < 0.02:
            break
    assert loss < 0.02


@pytest.mark.parametrize("family", BOTH)
def test_members_do_not_mix(family):
    """Logits and gradients of a member are those of the model that has it alone."""
    meta, size = language(), {"d_model": 16, "n_layers": 2}
    ids, follows = ids_of(meta, 5, members=3), ids_of(meta, 5, members=3, seed=1)
    seeds = [4, 5, 6]

    def gradients(kept: list[int]) -> dict[str, torch.Tensor]:
        model = build(family, size, meta, members=len(kept))
        initialise(model, [seeds[i] for i in kept])
        noise = Masks([seeds[i] for i in kept], epoch=1, device=torch.device("cpu"))
        logits = model(ids[kept], noise)
        losses = F.cross_entropy(logits.flatten(0, 2), follows[kept].flatten(), reduction="none")
        total = losses.sum() / ids[0].numel()
        total = total + getattr(model, "auxiliary", lambda: torch.zeros(1))().sum()
        total.backward()
        return {name: p.grad for name, p in model.named_parameters()}

    together = gradients([0, 1, 2])
    for i in range(3):
        for name, alone in gradients([i]).items():
            assert torch.allclose(together[name][i], alone[0], rtol=1e-3, atol=1e-6), name


def experts(members: int = 2, d_model: int = 8) -> Experts:
    module = Experts(members, d_model)
    for member in range(members):
        source = generator(member, "init")
        for layer in (module, module.router):
            for name, value in layer.draw(source).items():
                getattr(layer, name).data[member] = value
    return module


def test_each_token_goes_through_its_most_probable_expert():
    module, x = experts(), torch.randn(2, 30, 8, generator=torch.Generator().manual_seed(0))
    found = module(x, None, 0.0)
    for member in range(2):
        router = module.router.weight[member], module.router.bias[member]
        probability = (x[member] @ router[0] + router[1]).softmax(-1)
        chosen = probability.argmax(-1)
        assert len(chosen.unique()) == EXPERTS
        for token, expert in enumerate(chosen):
            up = x[member, token] @ module.up[member, expert] + module.up_bias[member, expert]
            out = up.relu() @ module.down[member, expert] + module.down_bias[member, expert]
            expected = probability[token, expert] * out
            assert torch.allclose(found[member, token], expected, atol=1e-6)


def test_the_router_learns_from_the_loss_and_from_the_balance():
    x = torch.randn(1, 200, 8, generator=torch.Generator().manual_seed(0))
    module = experts(members=1)
    module(x, None, 0.0).square().sum().backward()
    assert module.router.weight.grad.abs().max() > 1e-3
    # All tokens on one expert: the balance is far above 1, and following it alone spreads them.
    module.router.bias.data[0, 2] += 4.0
    module(x, None, 0.0)
    assert module.balance > 3
    optimiser = torch.optim.Adam(module.router.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        module(x, None, 0.0)
        module.balance.sum().backward()
        optimiser.step()
    assert module.balance < 1.2
