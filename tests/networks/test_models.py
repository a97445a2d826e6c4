"""Families against torch's own layers, against hand counts and against each other's members."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from alphascale import families
from alphascale.errors import UserError
from alphascale.families.descriptor import Key
from alphascale.families.sizes import check_kind, check_size
from alphascale.networks.build import build, initialise
from alphascale.networks.count import count_flops, count_params
from alphascale.networks.draws import Masks
from alphascale.networks.members import BATCH, Conv
from alphascale.networks.search import smallest_with
from alphascale.records.data import Meta
from torch import nn

IMAGE = Meta("image", 10, (3, 32, 32), None, None, (128.0,) * 3, (64.0,) * 3)
DIGITS = Meta("image", 10, (1, 8, 8), None, None, (8.0,), (4.0,))
TEXT = Meta("text", 10, (128,), 30_522, 0, None, None)
SHORT = Meta("text", 5, (12,), 50, 0, None, None)
TABLE = Meta("tabular", 7, (54,), None, None, None, None)

# The reference system's grid, parameters as published.
GRID = [
    ("cnn", {"width": 0.25}, 74_714),
    ("cnn", {"width": 0.5}, 296_362),
    ("cnn", {"width": 0.75}, 664_954),
    ("cnn", {"width": 1}, 1_180_490),
    ("cnn", {"width": 1.5}, 2_652_394),
    ("cnn", {"width": 2}, 4_712_074),
    ("transformer", {"d_model": 16, "n_layers": 1}, 491_858),
    ("transformer", {"d_model": 48, "n_layers": 1}, 1_494_754),
    ("transformer", {"d_model": 64, "n_layers": 1}, 2_005_802),
    ("transformer", {"d_model": 128, "n_layers": 2}, 4_312_266),
    ("transformer", {"d_model": 256, "n_layers": 4}, 11_006_858),
    ("mlp", {"width": 32}, 4_295),
    ("mlp", {"width": 64}, 12_679),
    ("mlp", {"width": 128}, 41_735),
    ("mlp", {"width": 256}, 148_999),
    ("mlp", {"width": 512}, 560_135),
]
METAS = {"cnn": IMAGE, "transformer": TEXT, "mlp": TABLE}
SMALL = [
    ("mlp", {"width": 6, "depth": 2}, TABLE),
    ("cnn", {"width": 1 / 16}, DIGITS),
    ("transformer", {"d_model": 8, "n_layers": 2}, SHORT),
]


def ready(family, size, meta, seeds):
    model = build(family, size, meta, len(seeds))
    initialise(model, seeds)
    return model


def batch_of(meta, members, batch=5, seed=0):
    source = torch.Generator().manual_seed(seed)
    if meta.kind == "text":
        return torch.randint(0, meta.vocabulary, (members, batch, *meta.shape), generator=source)
    return torch.randn(members, batch, *meta.shape, generator=source)


@pytest.mark.parametrize(("family", "size", "published"), GRID)
def test_reference_grid_has_published_parameters(family, size, published):
    counts = count_params(family, size, METAS[family])
    assert counts["total"] == published
    assert counts["embedding"] + counts["body"] + counts["head"] == published
    assert counts["non_embedding"] == published - counts["embedding"]


def test_embeddings_are_what_the_reference_counts_as_size():
    counts = count_params("transformer", {"d_model": 16, "n_layers": 1}, TEXT)
    assert counts["embedding"] == 30_522 * 16
    assert counts["head"] == 16 * 8 + 8 + 8 * 10 + 10


@pytest.mark.parametrize("members", [1, 3])
def test_mlp_flops_by_hand(members):
    w, features, classes = 40, 54, 7
    forward = 2 * (features * w + w * w + w * classes)
    # Backward: as much for the weights, as much for the activations but those of the input.
    training = 3 * forward - 2 * features * w
    counted = count_flops("mlp", {"width": w, "depth": 2}, TABLE, members=members)
    assert counted == {"forward": forward, "training": training}


def test_cnn_flops_by_hand():
    forward, side, inputs = 0, 32, 3
    first = 2 * 9 * 3 * 16 * 32 * 32
    for channels in (16, 32, 64):
        forward += 2 * 9 * side * side * (inputs * channels + channels * channels)
        side, inputs = side // 2, channels
    forward += 2 * (64 * 32 + 32 * 10)
    counted = count_flops("cnn", {"width": 0.25}, IMAGE)
    assert counted == {"forward": forward, "training": 3 * forward - first}


@pytest.mark.parametrize("members", [1, 3])
def test_transformer_flops_by_hand_attention_included(members):
    d, layers, length = 32, 2, 128
    attention = 2 * 2 * length * length * d  # scores, and the mix of values
    linear = 2 * length * (3 * d * d + d * d + 2 * 4 * d * d)
    head = 2 * (d * d // 2 + d // 2 * 10)
    pool = 2 * length * d
    forward = layers * (attention + linear) + head + pool
    counted = count_flops("transformer", {"d_model": d, "n_layers": layers}, TEXT, members=members)
    # All but the pool, whose weights take no gradient, cost twice as much backward.
    assert counted == {"forward": forward, "training": 3 * forward - pool}


def test_flops_are_those_of_torchs_own_counter():
    from torch.utils.flop_counter import FlopCounterMode

    model = ready("cnn", {"width": 0.25}, DIGITS, [0])
    with FlopCounterMode(display=False) as counter:
        model(batch_of(DIGITS, 1, batch=4)).sum().backward()
    assert counter.get_total_flops() == 4 * count_flops("cnn", {"width": 0.25}, DIGITS)["training"]


def test_large_architectures_are_counted_without_computing():
    size = {"width": 4096, "depth": 3}
    counted = count_flops("mlp", size, TABLE)
    assert counted["forward"] == 2 * (54 * 4096 + 2 * 4096**2 + 4096 * 7)


def test_mlp_is_the_plain_network():
    model = ready("mlp", {"width": 6, "depth": 2}, TABLE, [3]).train()
    layers = []
    for linear in model.body:
        plain = nn.Linear(linear.weight.shape[1], 6)
        plain.weight.data, plain.bias.data = linear.weight[0].T.data, linear.bias[0].data
        layers += [plain, nn.BatchNorm1d(6), nn.ReLU()]
    head = nn.Linear(6, 7)
    head.weight.data, head.bias.data = model.head.weight[0].T.data, model.head.bias[0].data
    plain = nn.Sequential(*layers, head)
    x = batch_of(TABLE, 1)
    for mode in (True, True, False):  # running statistics build up, then are used
        model.train(mode), plain.train(mode)
        torch.testing.assert_close(model(x)[0], plain(x[0]))


@pytest.mark.parametrize(("side", "depth"), [(8, 2), (28, 2), (2, 2), (8, 1), (8, 3)])
def test_cnn_is_the_plain_network(side, depth):
    meta = Meta("image", 10, (1, side, side), None, None, (0.0,), (1.0,))
    model = ready("cnn", {"width": 1 / 16, "n_layers": depth}, meta, [3])
    assert [len(stage.convolutions) for stage in model.body] == [depth] * 3
    layers, pixels = [], side
    for stage in model.body:
        for convolution in stage.convolutions:
            out, inputs = convolution.weight.shape[1:3]
            plain = nn.Conv2d(inputs, out, 3, padding=1, bias=False)
            plain.weight.data = convolution.weight[0].data
            layers += [plain, nn.BatchNorm2d(out), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pixels >= 2 else []
        pixels //= 2
    plain = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = batch_of(meta, 1)
    first, second = model.head
    hidden = F.linear(plain(x[0]), first.weight[0].T, first.bias[0]).relu()
    torch.testing.assert_close(
        model(x)[0], F.linear(hidden, second.weight[0].T, second.bias[0]), rtol=1e-4, atol=1e-5
    )


def test_transformer_is_torchs_encoder():
    model = ready("transformer", {"d_model": 8, "n_layers": 2}, SHORT, [3])
    ids = batch_of(SHORT, 1)
    ids[0, 0, 7:] = 0  # padding
    # Vaswani et al. 2017, §3.5: sin and cos of t / 10,000^(2i/d), side by side.
    positions = torch.tensor(
        [
            [(math.sin, math.cos)[j % 2](t / 10_000 ** ((j - j % 2) / 8)) for j in range(8)]
            for t in range(SHORT.shape[0])
        ]
    )
    x = model.embedding.weight[0][ids[0]] * math.sqrt(8) + positions
    pad = ids[0] == 0
    for block in model.body:
        layer = nn.TransformerEncoderLayer(8, 8, 32, 0.0, batch_first=True, norm_first=True)
        own = layer.self_attn
        own.in_proj_weight.data, own.in_proj_bias.data = block.qkv.weight[0].T, block.qkv.bias[0]
        pairs = ((own.out_proj, block.out), (layer.linear1, block.up), (layer.linear2, block.down))
        for theirs, ours in pairs:
            theirs.weight.data, theirs.bias.data = ours.weight[0].T.data, ours.bias[0].data
        x = layer(x, src_key_padding_mask=pad)
    keep = (~pad).float()[:, :, None]
    pooled = (x * keep).sum(1) / keep.sum(1)
    first, second = model.head
    hidden = F.gelu(F.linear(pooled, first.weight[0].T, first.bias[0]))
    expected = F.linear(hidden, second.weight[0].T, second.bias[0])
    torch.testing.assert_close(model(ids)[0], expected, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing_and_a_text_of_padding_is_finite():
    model = ready("transformer", {"d_model": 8, "n_layers": 1}, SHORT, [0]).eval()
    ids = batch_of(SHORT, 1, batch=1)
    ids[..., 5:] = 0
    before = model(ids)
    with torch.no_grad():
        model.embedding.weight[:, 0] += 1.0
    torch.testing.assert_close(model(ids), before)
    assert model(torch.zeros_like(ids)).isfinite().all()


@pytest.mark.parametrize(("family", "size", "meta"), SMALL)
def test_members_are_independent(family, size, meta):
    """Three members together give each one's own outputs and gradients; a dead one hurts none."""
    seeds = [5, 6, 5]
    together = ready(family, size, meta, seeds).train()
    x = batch_of(meta, 3)
    y = torch.randint(0, meta.classes, (3, 5), generator=torch.Generator().manual_seed(1))

    def gradients(model, x, y, noise):
        logits = model(x, noise)
        losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
        model.zero_grad()
        losses.view(len(y), -1).mean(1).sum().backward()
        return logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters()}

    logits, grads = gradients(together, x, y, Masks(seeds, 1, torch.device("cpu")))
    for member, seed in enumerate(seeds):
        alone = ready(family, size, meta, [seed]).train()
        one = slice(member, member + 1)
        own, own_grads = gradients(alone, x[one], y[one], Masks([seed], 1, torch.device("cpu")))
        torch.testing.assert_close(logits[one], own, rtol=1e-4, atol=1e-5)
        for name, grad in own_grads.items():
            torch.testing.assert_close(grads[name][one], grad, rtol=1e-3, atol=1e-5)

    with torch.no_grad():
        for parameter in together.parameters():
            parameter[1] = math.nan
    logits, grads = gradients(together, x, y, None)
    assert logits[1].isnan().all()
    assert logits[[0, 2]].isfinite().all()
    assert all(grad[[0, 2]].isfinite().all() for grad in grads.values())


def test_same_seed_same_weights_and_other_seeds_do_not_matter():
    first = ready("mlp", {"width": 6}, TABLE, [4, 9, 4]).state_dict()
    second = ready("mlp", {"width": 6}, TABLE, [9]).state_dict()
    for name, value in first.items():
        assert torch.equal(value[0], value[2])
        assert torch.equal(value[1], second[name][0])
    assert not torch.equal(first["head.weight"][0], first["head.weight"][1])


def test_initial_weights_have_torchs_spread():
    weight = ready("mlp", {"width": 300}, TABLE, [0]).body[1].weight
    bound = 1 / math.sqrt(300)  # nn.Linear: uniform in ± 1/√inputs
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_masks_have_their_rate_and_follow_from_the_seed():
    cpu = torch.device("cpu")
    ones = torch.ones(4, 100, 300)
    dropped = Masks([1, 1, 2, 3], 1, cpu).drop(ones, 0.3)
    # 30,000 draws: the standard error of the share is 0.0026.
    shares = (dropped == 0).float().mean((1, 2))
    assert ((shares - 0.3).abs() < 0.012).all()
    torch.testing.assert_close(dropped.max().item(), 1 / 0.7, rtol=1e-4, atol=0)
    assert torch.equal(dropped[0], dropped[1])
    assert not torch.equal(dropped[0], dropped[2])
    # Alone, in another order, or grouped evenly: the same masks; another epoch: others.
    assert torch.equal(Masks([2], 1, cpu).drop(ones[:1], 0.3)[0], dropped[2])
    assert torch.equal(Masks([3, 3, 1, 1], 1, cpu).drop(ones, 0.3)[2], dropped[0])
    assert not torch.equal(Masks([2], 2, cpu).drop(ones[:1], 0.3)[0], dropped[2])
    # Neighbouring bits of one draw must not be alike.
    flat = (dropped[0].flatten() == 0).float()
    pairs = flat.view(-1, 4)
    for other in range(1, 4):
        both = (pairs[:, 0] * pairs[:, other]).mean().item()
        assert both == pytest.approx(0.09, abs=0.015)


@pytest.mark.parametrize(
    ("family", "size", "words"),
    [
        ("mlp", {"widht": 8}, ["size.widht", "did you mean `width`", "depth"]),
        ("mlp", {}, ["size.width", "needed", "an integer ≥ 1"]),
        ("mlp", {"width": 8.5}, ["size.width", "an integer", "8.5"]),
        ("mlp", {"width": True}, ["size.width", "True"]),
        ("mlp", {"width": "8"}, ["size.width", "'8'"]),
        ("mlp", {"width": 8, "dropout": 1.0}, ["size.dropout", "[0, 1)"]),
        ("cnn", {"width": 0}, ["size.width", "≥ 0.015625"]),
        ("cnn", {"width": math.nan}, ["size.width"]),
        ("cnn", {"width": math.inf}, ["size.width"]),
        ("transformer", {"d_model": 7, "n_layers": 1}, ["size.d_model", "even"]),
        ("transformer", {"d_model": 8, "n_layers": 1, "heads": 3}, ["size.heads", "divide"]),
        ("transformer", {"d_model": 8, "n_layers": 1, "heads": 0}, ["size.heads", "≥ 1"]),
        ("mlpp", {"width": 8}, ["mlpp", "transformer", "module:factory"]),
        ("mlp", {8: 1, "width": 8}, ["size.8", "unknown key"]),
        ("mlp", [8], ["mapping"]),
        ("my:model", {"a b": 1}, ["'a b'"]),
    ],
)
def test_a_wrong_size_is_named(family, size, words):
    with pytest.raises(UserError) as fault:
        check_size(family, size)
    message = str(fault.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_key_without_bounds_takes_whatever_is_not_negative():
    for key, good, bad in (
        (Key(float), (0.0, 0.5, 7), (-0.5, math.nan)),
        (Key(int), (0, 3), (-1, 0.5)),
    ):
        assert all(map(key.allows, good)) and not any(map(key.allows, bad))


def test_sizes_are_completed():
    assert check_size("mlp", {"width": 8.0}) == {"width": 8, "depth": 3, "dropout": 0.3}
    size = check_size("transformer", {"d_model": 12, "n_layers": 1})
    assert size == {"d_model": 12, "n_layers": 1, "heads": 4, "dropout": 0.1}
    assert check_size("my:model", {"anything": [1, 2]}) == {"anything": [1, 2]}


def test_dropout_is_what_the_references_train_with_unless_it_is_given():
    sizes = {
        "mlp": {"width": 8}, "cnn": {"width": 1.0},
        **{name: {"d_model": 8, "n_layers": 1} for name in
           ("transformer", "transformer_lm", "resnet_bk")},
    }  # fmt: skip
    found = {name: check_size(name, size)["dropout"] for name, size in sizes.items()}
    assert found == {
        "mlp": 0.3, "cnn": 0.3, "transformer": 0.1, "transformer_lm": 0.1, "resnet_bk": 0.1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "size", "meta"),
    [
        ("cnn", {"width": 1.0}, IMAGE),
        ("cnn", {"width": 0.5}, IMAGE),
        ("cnn", {"width": 0.5, "n_layers": 4}, IMAGE),
        ("transformer", {"d_model": 128, "n_layers": 2}, TEXT),
        ("mlp", {"width": 512}, TABLE),
        ("mlp", {"width": 512, "depth": 5}, TABLE),
    ],
)
def test_a_schedulers_rough_size_is_near_that_of_the_body(name, size, meta):
    body = count_params(name, size, meta)["body"]
    kind = families.family(name)
    rough = kind.rough_params(kind.complete(size))
    # Of an MLP the input layer counts as one more of its width.
    assert body * 0.94 < rough < body * (1.5 if name == "mlp" else 1.06)


def test_a_family_refuses_data_it_cannot_take():
    with pytest.raises(UserError, match="cnn takes image data and the source is text: use transf"):
        check_kind("cnn", "text")
    with pytest.raises(UserError, match="transformer takes text data"):
        check_kind("transformer", TABLE.kind)


def test_checking_sizes_needs_no_torch():
    code = (
        "import sys, alphascale.families.sizes as s; s.check_size('mlp', {'width': 3}); "
        "sys.exit('torch' in sys.modules)"
    )
    scripts = Path(__file__).parents[2] / "workflow" / "scripts"
    assert subprocess.run([sys.executable, "-c", code], cwd=scripts, check=False).returncode == 0


LADDERS = [
    ("cnn", [{"width": w} for w in (0.25, 0.5, 1)], IMAGE, "width", 1 / 64),
    (
        "cnn",
        [{"width": w, "n_layers": n} for w, n in ((0.25, 1), (0.5, 2), (1, 4))],
        IMAGE,
        "width",
        1 / 64,
    ),
    ("mlp", [{"width": 8, "depth": 2}, {"width": 64, "depth": 4}], TABLE, "width", 1),
    (
        "transformer",
        [{"d_model": 16, "n_layers": 1}, {"d_model": 64, "n_layers": 3}],
        TEXT,
        "d_model",
        8,
    ),
]


@pytest.mark.parametrize("counted", ["total", "non_embedding"])
@pytest.mark.parametrize("params", [500, 60_000, 300_001, 3e6])
@pytest.mark.parametrize(("family", "ladder", "meta", "key", "step"), LADDERS)
def test_the_smallest_architecture_is_the_smallest(
    family, ladder, meta, key, step, params, counted
):
    size, counts = smallest_with(family, params, ladder, meta, counted)
    assert counts == count_params(family, size, meta)
    assert counts[counted] >= params
    smaller = {**size, key: size[key] - step}
    assert smaller[key] <= 0 or count_params(family, smaller, meta)[counted] < params
    assert size.keys() == ladder[0].keys()


def test_a_rung_of_the_ladder_is_found_again():
    for family, ladder, meta, _, _ in LADDERS:
        for size in ladder:
            params = count_params(family, size, meta)["total"]
            assert smallest_with(family, params, ladder, meta)[0] == size


def test_depth_and_heads_follow_the_ladder():
    ladder = [
        {"d_model": 8, "n_layers": 1, "heads": 2},
        {"d_model": 48, "n_layers": 5, "heads": 4},
    ]
    ends = [count_params("transformer", size, SHORT)["total"] for size in ladder]
    middle = ends[0] ** 0.4 * ends[1] ** 0.6
    size, _ = smallest_with("transformer", middle, ladder, SHORT)
    assert size["n_layers"] == 3  # 5^0.6 = 2.6
    assert size["heads"] == 4
    assert size["d_model"] % 4 == 0
    assert smallest_with("transformer", 10 * ends[1], ladder, SHORT)[0]["n_layers"] == 5


OWN = """
import torch
from torch import nn

def make(meta, hidden, rate=0.2):
    if hidden % 2:
        raise ValueError("hidden must be even")
    return nn.Sequential(
        nn.Flatten(), nn.Linear(meta.shape[0], hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Dropout(rate), nn.Linear(hidden, meta.classes),
    )

def wrong(meta):
    return nn.Linear(meta.shape[0], meta.classes + 1)

def none(meta):
    return None

class Tied(nn.Module):
    def __init__(self, meta, width):
        super().__init__()
        self.embedding = nn.Embedding(meta.vocabulary, width)
        self.back = nn.Linear(width, meta.vocabulary, bias=False)
        self.back.weight = self.embedding.weight
        self.head = nn.Linear(meta.vocabulary, meta.classes)

    def forward(self, ids):
        return self.head(self.back(self.embedding(ids).mean(1)))
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_models_of_a_test.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return "own_models_of_a_test"


def test_own_model_is_counted_and_its_members_take_turns(own):
    family, size = f"{own}:make", {"hidden": 6}
    counts = count_params(family, size, TABLE)
    assert counts["total"] == 54 * 6 + 6 + 2 * 6 + 6 * 7 + 7
    assert count_flops(family, size, TABLE)["forward"] == 2 * (54 * 6 + 6 * 7)
    x = batch_of(TABLE, 2)
    together = ready(family, size, TABLE, [1, 2]).train()
    alone = ready(family, size, TABLE, [2]).train()
    cpu = torch.device("cpu")
    state = torch.get_rng_state()
    for _ in range(2):  # the second pass goes on in each member's own stream
        noise, own_noise = Masks([1, 2], 1, cpu), Masks([2], 1, cpu)
        for _ in range(2):
            torch.testing.assert_close(together(x, noise)[1:], alone(x[1:], own_noise))
    assert torch.equal(torch.get_rng_state(), state)
    for name, buffer in alone.named_buffers():
        torch.testing.assert_close(together.get_buffer(name)[1:], buffer)
    together.eval()
    torch.testing.assert_close(together(x[:1])[1:], alone.eval()(x[:1]))


def test_tied_weights_count_once_and_stay_tied(own):
    family, size = f"{own}:Tied", {"width": 4}
    counts = count_params(family, size, SHORT)
    assert counts["embedding"] == 50 * 4
    assert counts["head"] == 50 * 5 + 5
    assert counts["total"] == counts["embedding"] + counts["head"]
    model = ready(family, size, SHORT, [0])
    ids = batch_of(SHORT, 1)
    table = model.get_parameter("_embedding/weight")[0]
    head = [model.get_parameter(f"_head/{part}")[0] for part in ("weight", "bias")]
    expected = F.linear(table[ids[0]].mean(1) @ table.T, *head)
    torch.testing.assert_close(model(ids)[0], expected)


@pytest.mark.parametrize(
    ("function", "size", "words"),
    [
        ("absent", {}, "has no function 'absent'"),
        ("make", {"hiden": 3}, "hiden"),
        ("none", {}, "not a torch.nn.Module"),
    ],
)
def test_a_wrong_factory_is_named(own, function, size, words):
    with pytest.raises(UserError, match=words):
        count_params(f"{own}:{function}", size, TABLE)


def test_an_absent_module_and_a_wrong_shape_are_named(own):
    with pytest.raises(UserError, match="cannot import module 'no_such_module'"):
        count_params("no_such_module:make", {}, TABLE)
    with pytest.raises(UserError, match=r"must return logits of shape \[5, 7\]"):
        build(f"{own}:wrong", {}, TABLE)(batch_of(TABLE, 1))


def test_the_smallest_own_model_lies_between_the_ladders_sizes(own):
    family, ladder = f"{own}:make", [{"hidden": 4}, {"hidden": 40}]
    per_hidden, fixed = 54 + 1 + 2 + 7, 7
    # Odd sizes are refused by the factory and passed over.
    size, counts = smallest_with(family, 21 * per_hidden + fixed, ladder, TABLE)
    assert size == {"hidden": 22}
    assert counts["total"] == 22 * per_hidden + fixed
    assert smallest_with(family, 1, ladder, TABLE)[0] == {"hidden": 4}
    # Beyond the ladder its widths are enlarged; nothing reaches what no key leads to.
    _, counts = smallest_with(family, 1e6, ladder, TABLE)
    assert 1_000_000 <= counts["total"] < 1_020_000
    with pytest.raises(UserError, match=r"leads? to reaches 1e\+06 parameters"):
        smallest_with(family, 1e6, [{"hidden": 4, "rate": 0.1}, {"hidden": 4, "rate": 0.2}], TABLE)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 3)])
def test_a_convolution_of_a_small_image_as_a_product_is_a_convolution(shape):
    layer = Conv(3, 4, 6)
    source = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(layer.weight, generator=source)
    x = torch.randn(BATCH, 12, *shape, generator=source)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    grad = torch.randn(BATCH, 18, *shape, generator=source)
    whole, parts = layer(x), torch.cat([layer(each) for each in x.split(BATCH - 1)])
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-5)
    pairs = zip(
        torch.autograd.grad(whole, [x, layer.weight], grad),
        torch.autograd.grad(parts, [x, layer.weight], grad),
        strict=True,
    )
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
