"""Models of other libraries: what is counted, what is drawn, what trains, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from alphascale import slices
from alphascale.errors import UserError
from alphascale.families import family
from alphascale.families.foreign import identity, locations
from alphascale.families.sizes import check_size
from alphascale.networks.build import batch_statistics, build, initialise
from alphascale.networks.count import count_flops, count_params
from alphascale.networks.draws import Masks
from alphascale.networks.search import lies_between, smallest_with
from alphascale.records.data import Meta
from alphascale.running.trial import try_model
from foreign_made import COLOUR, GREY, MASKED, NEXT, TEXT, bert, checkpoint, vit
from safetensors.torch import load_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

GPT2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2}
LLAMA = bert() | {"model_type": "llama"}
RESNET = {"name": "resnet18"}
MOBILE = {"name": "mobilenet_v3_small", "width": 0.25}
TIMM = {"name": "vit_tiny_patch16_224", "embed_dim": 24, "depth": 1, "num_heads": 3}
EVERY = [
    ("hf", bert(), TEXT), ("hf", bert() | {"model_type": "roberta"}, TEXT), ("hf", GPT2, TEXT),
    ("hf", GPT2, NEXT), ("hf", LLAMA, NEXT), ("hf", bert(), NEXT), ("hf", bert(), MASKED),
    ("hf", vit(), GREY), ("torchvision", RESNET, GREY), ("torchvision", MOBILE, COLOUR),
    ("timm", TIMM, COLOUR), ("timm", {"name": "resnet10t"}, GREY),
]  # fmt: skip


def ids(each: tuple) -> str:
    name, size, meta = each
    return f"{name}-{size.get('model_type', size.get('name'))}-{meta.task}"


def batch(meta: Meta, members: int = 1, n: int = 4) -> torch.Tensor:
    source = torch.Generator().manual_seed(0)
    if meta.kind == "image":
        return torch.randn(members, n, *meta.shape, generator=source)
    return torch.randint(4, meta.vocabulary, (members, n, *meta.shape), generator=source)


def drawn(name: str, size: dict, meta: Meta, *seeds: int) -> torch.nn.Module:
    model = build(name, size, meta, len(seeds))
    initialise(model, list(seeds))
    return model


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_members_have_the_shape_and_nothing_of_each_other(each):
    name, size, meta = each
    both, alone = drawn(name, size, meta, 3, 7).eval(), drawn(name, size, meta, 7).eval()
    x = batch(meta)
    with torch.no_grad():
        found, one = both(x), alone(x)
    expected = (*meta.shape, meta.classes) if meta.kind == "tokens" else (meta.classes,)
    assert found.shape == (2, 4, *expected)
    assert torch.equal(found[1], one[0]) and not torch.allclose(found[0], found[1])
    grads = torch.autograd.grad(both(x)[0].sum(), list(both.parameters()), materialize_grads=True)
    assert all((grad[1] == 0).all() for grad in grads)


def test_dropout_is_drawn_on_from_step_to_step_and_again_from_a_mark():
    model = drawn("hf", bert(), TEXT, 3, 7).train()
    masks, x = Masks([3, 7], 1, torch.device("cpu")), batch(TEXT)
    before = torch.get_rng_state()
    first = model(x, masks)
    mark = masks.mark()
    second = model(x, masks)
    assert not torch.allclose(first, second)
    masks.restore(mark)
    assert torch.equal(model(x, masks), second)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_flops_are_torchs_own_counts(each):
    """Torch's counter over the library's own module, without members."""
    name, size, meta = each
    found = count_flops(name, size, meta)
    module = drawn(name, size, meta, 0).train().member(0).train()
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        logits = module(batch(meta, n=2)[0])
        forward = counter.get_total_flops()
        F.cross_entropy(
            logits.flatten(0, -2), torch.zeros(logits[..., 0].numel()).long()
        ).backward()
    assert found["forward"] == pytest.approx(forward / 2, rel=0.01)
    if size is not MOBILE:  # whose depthwise convolutions torch's counter takes for full ones
        assert found["training"] == pytest.approx(counter.get_total_flops() / 2, rel=0.01)


def test_berts_flops_and_parameters_by_hand():
    """d wide, f of the feed-forward, T tokens: per layer 4 d² and 2 d f products a token, and 2 T²
    d for the attention; a pooler and a head on one token."""
    d, f, layers, t, classes, v = 48, 192, 3, 32, 5, 300
    meta = Meta("text", classes, (t,), v, 0, None, None)
    size = bert(d, layers)
    products = layers * (t * (4 * d * d + 2 * d * f) + 2 * t * t * d) + d * d + d * classes
    found = count_flops("hf", size, meta)
    assert found["forward"] == pytest.approx(2 * products, rel=0.01)
    assert found["training"] == pytest.approx(6 * products, rel=0.01)
    params = count_params("hf", size, meta)
    assert params["embedding"] == (v + t + 2) * d
    assert params["head"] == (d + 1) * classes
    layer = 4 * (d * d + d) + 2 * d * f + f + d + 4 * d
    assert params["body"] == 2 * d + layers * layer + d * d + d


def test_resnet_18s_flops_by_hand():
    """At 224 × 224 and 1,000 classes, by stages: 1.814 G products (He et al. 2016, table 1)."""
    meta = Meta("image", 1000, (3, 224, 224), None, None, (0.0,) * 3, (1.0,) * 3)
    products = 112**2 * 3 * 64 * 49 + 4 * 56**2 * 64 * 64 * 9 + 512 * 1000
    for side, before, now in ((28, 64, 128), (14, 128, 256), (7, 256, 512)):
        products += side**2 * (before * now * 9 + 3 * now * now * 9 + before * now)
    assert products == pytest.approx(1.814e9, rel=1e-3)
    assert count_flops("torchvision", RESNET, meta)["forward"] == pytest.approx(2 * products, 0.01)
    assert count_params("torchvision", RESNET, meta)["total"] == 11_689_512


def test_a_depthwise_convolution_counts_its_own_products():
    """Forward and both gradients have as many; torch's formula takes the gradients' for full."""
    from alphascale.networks.count import Counter

    x = torch.zeros(2, 6, 8, 8, requires_grad=True)
    weight = torch.zeros(6, 1, 3, 3, requires_grad=True)
    with Counter() as counter:
        F.conv2d(x, weight, padding=1, groups=6).sum().backward()
    assert counter.flops == 3 * 2 * (2 * 6 * 8 * 8 * 9)


@pytest.mark.parametrize(
    ("size", "meta", "embedding", "head"),
    [
        # Tied: the vocabulary once, its bias beside; what lies between body and vocabulary is head.
        (bert(), MASKED, (40 + 10 + 2) * 16 + 40, 16 * 16 + 16 + 2 * 16),
        (GPT2, NEXT, (40 + 10) * 16, 0),
        # Untied: twice.
        (LLAMA, NEXT, 2 * 40 * 16, 0),
        (LLAMA | {"tie_word_embeddings": True}, NEXT, 40 * 16, 0),
    ],
)
def test_tied_embeddings_count_once_and_as_embeddings(size, meta, embedding, head):
    found = count_params("hf", size, meta)
    assert (found["embedding"], found["head"]) == (embedding, head)
    assert found["total"] == found["embedding"] + found["body"] + found["head"]


def test_from_weights_the_seed_draws_the_head_alone(tmp_path):
    size = {"pretrained": checkpoint(tmp_path / "tiny")}
    model, again = drawn("hf", size, TEXT, 0, 1), drawn("hf", size, TEXT, 1)
    for key, name in model.stacks.items():
        value = getattr(model, name)
        fresh = "classifier.weight" in key or "pooler.dense.weight" in key
        assert torch.equal(value[0], value[1]) != fresh, key
        assert torch.equal(value[1], getattr(again, name)[0])
    saved = load_file(tmp_path / "tiny/model.safetensors")
    first = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(getattr(model, model.stacks[f"model.{first}"])[1], saved[first])


def test_a_head_of_another_task_is_drawn_anew(tmp_path):
    """Also where the checkpoint has one for as many classes."""
    from transformers import AutoModelForSequenceClassification

    folder = checkpoint(tmp_path / "tiny")
    found = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3)
    found.save_pretrained(tmp_path / "tiny")
    model = drawn("hf", {"pretrained": folder}, TEXT, 0, 1)
    head = getattr(model, model.stacks["model.classifier.weight"])
    assert not torch.allclose(head[0], head[1])
    assert not torch.allclose(head[0], found.classifier.weight)
    pooler = getattr(model, model.stacks["model.bert.pooler.dense.weight"])
    assert torch.equal(pooler[0], pooler[1])


@pytest.mark.parametrize(
    ("tune", "trained"),
    [("head", 17 * 3 + 17 * 16), ("lora", 17 * 3 + 17 * 16 + 2 * 2 * 2 * (2 * 16))],
)
def test_what_is_frozen_is_held_once_and_has_no_gradient(tmp_path, tune, trained):
    """Head: classifier, and the pooler that the checkpoint does not hold. LoRA beside: of two
    layers' queries and values two factors of rank 2."""
    size = {"pretrained": checkpoint(tmp_path / "tiny"), "tune": tune}
    size |= {"rank": 2} if tune == "lora" else {}
    model = drawn("hf", size, TEXT, 0, 1)
    assert sum(p[0].numel() for p in model.parameters()) == trained
    whole = count_params("hf", {"pretrained": size["pretrained"]}, TEXT)["total"]
    added = 2 * 2 * 2 * (2 * 16) if tune == "lora" else 0
    assert count_params("hf", size, TEXT)["total"] == whole + added
    flops, all_of_it = (
        count_flops("hf", each, TEXT) for each in (size, {"pretrained": size["pretrained"]})
    )
    assert flops["training"] < 0.8 * all_of_it["training"]


def test_grey_images_of_any_size_are_as_the_weights_want_them(tmp_path):
    """uint8 / 255, three channels, resized, then by the weights' mean and deviation."""
    from torchvision import models

    torch.save(models.resnet18().state_dict(), tmp_path / "r18.pth")
    size = {"name": "resnet18", "weights": str(tmp_path / "r18.pth"), "resize": 24}
    eye = drawn("torchvision", size, GREY, 0)._template[0].eye
    raw = torch.randint(0, 256, (2, 1, 16, 16)).float()
    seen = eye((raw - GREY.mean[0]) / GREY.std[0])
    shares = F.interpolate((raw / 255).expand(-1, 3, -1, -1), (24, 24), mode="bilinear")
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (shares - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert torch.allclose(seen, expected, atol=1e-5)
    mean, std = eye.statistics(GREY)
    assert mean == pytest.approx([0.485, 0.456, 0.406], abs=1e-6)
    assert std == pytest.approx([0.229, 0.224, 0.225], abs=1e-6)


def test_frozen_batch_norm_keeps_the_checkpoints_statistics(tmp_path):
    from torchvision import models

    torch.save(models.resnet18().state_dict(), tmp_path / "r18.pth")
    size = {"name": "resnet18", "weights": str(tmp_path / "r18.pth"), "tune": "head", "resize": 16}
    model = drawn("torchvision", size, GREY, 0)
    assert not batch_statistics(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()(batch(GREY))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    whole = drawn("torchvision", {**size, "tune": "whole"}, GREY, 0)
    assert batch_statistics(whole)
    whole.train()(batch(GREY))
    assert (whole.state_dict()["_model/bn1/num_batches_tracked"] == 1).all()


@pytest.mark.parametrize(
    ("name", "size", "meta", "words"),
    [
        ("hf", bert() | {"model_type": "brt"}, TEXT, "no 'brt'; did you mean .*bert"),
        ("hf", bert(hiden_size=3), TEXT, "bert: its configuration has no 'hiden_size'; did you"),
        ("hf", bert(vocab_size=50), TEXT, "vocab_size: is 40 of these data, not 50"),
        ("hf", bert(num_labels=3), TEXT, "bert.num_labels: the data say"),
        ("hf", bert(max_position_embeddings=5), TEXT, "5 are too few for texts of 10 tokens"),
        ("hf", bert(num_attention_heads=3), TEXT, "not a multiple of the number of attention"),
        ("hf", bert(), GREY, "no model of it for this task .AutoModelForImageClassification"),
        ("hf", {"pretrained": "nobody/nothing"}, TEXT, "put its config.json, model.safetensors"),
        ("torchvision", {"name": "resnet17"}, GREY, "did you mean resnet1"),
        ("torchvision", {"name": "resnet18", "width": 0.5}, GREY, "has no multiplier"),
        ("torchvision", {"name": "resnet18", "depth": 2}, GREY, "resnet18: with depth: .*depth"),
        ("torchvision", {"name": "resnet18", "weights": "DEFALT"}, GREY, "IMAGENET1K_V1"),
        ("timm", {"name": "resnet17t"}, GREY, "timm has no model 'resnet17t'; did you mean"),
        ("timm", {"name": "resnet10t", "weights": "IN1K"}, GREY, "'IN1K' is no file here"),
    ],
)
def test_what_a_library_refuses_is_one_line(name, size, meta, words, monkeypatch):
    monkeypatch.setattr("alphascale.data.fetch.unreachable", lambda address: "no network")
    with pytest.raises(UserError, match=words) as fault:
        build(name, check_size(name, size), meta)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("hf", {}, "give either `model_type`"),
        ("hf", {"model_type": "bert", "pretrained": "x"}, "give either"),
        ("hf", {"model_type": "bert", "tune": "head"}, "size.tune: is of pretrained weights"),
        ("hf", {"model_type": "bert", "revision": "main"}, "size.revision: is of a checkpoint"),
        ("hf", {"pretrained": "x", "rank": 4}, "size.rank: is of `tune: lora`"),
        ("hf", {"pretrained": "x", "tune": "some"}, "size.tune: must be one of whole, head, lora"),
        ("hf", {"pretrained": "./no/such/folder"}, "there is no folder './no/such/folder' here"),
        ("torchvision", {"weights": "DEFAULT"}, "size.name: this key is needed"),
        ("timm", {"name": "x", "targets": "fc"}, "size.targets: must be a list of text"),
        ("timm", {"name": "x", "depth": float("nan")}, "not finite"),
    ],
)
def test_what_a_size_says_wrongly_shows_before_any_library(name, size, words):
    with pytest.raises(UserError, match=words):
        check_size(name, size)


def test_a_folder_without_weights_is_said(tmp_path):
    with pytest.raises(UserError, match="holds no weights: it needs config"):
        check_size("hf", {"pretrained": str(tmp_path)})


def test_a_checkpoint_is_known_by_its_content(tmp_path):
    """Touched or moved it is the same; an edited weight makes another of it."""
    first = Path(checkpoint(tmp_path / "one"))
    complete = family("hf").complete({"pretrained": str(first)})
    assert complete == family("hf").complete(complete)
    assert locations()[complete["pretrained"]] == str(first)
    os.utime(first / "model.safetensors", (1, 1))
    (first / "README.md").write_text("of no account")
    moved = first.rename(tmp_path / "two")
    assert identity(str(moved)) == complete["pretrained"]
    content = bytearray((moved / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (moved / "model.safetensors").write_bytes(content)
    assert identity(str(moved)) != complete["pretrained"]


def test_a_large_file_is_digested_once(tmp_path, monkeypatch):
    from alphascale.families import foreign

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(foreign, "LARGE", 10)
    read = []
    whole = foreign.sha256_file
    monkeypatch.setattr(foreign, "sha256_file", lambda path: read.append(path) or whole(path))
    file = tmp_path / "weights.pth"
    file.write_bytes(b"0" * 20)
    first = identity(str(file))
    assert identity(str(file)) == first and len(read) == 1
    os.utime(file, (1, 1))
    assert identity(str(file)) == first and len(read) == 2
    file.write_bytes(b"1" * 20)
    assert identity(str(file)) != first


def test_checkpoints_of_a_ladder_share_their_tokenizer(tmp_path):
    from types import SimpleNamespace

    one = checkpoint(tmp_path / "one")
    other = checkpoint(tmp_path / "other", words="more")
    meta = SimpleNamespace(**vars(TEXT), spec=SimpleNamespace(tokenizer=one))
    try_model("domain", "hf", {"a": {"pretrained": one}}, meta)
    with pytest.raises(UserError, match=r"the tokenizer of .*other is not that of .*one"):
        try_model("domain", "hf", {"a": {"pretrained": one}, "b": {"pretrained": other}}, meta)


def test_a_model_that_sees_what_it_is_to_predict_is_refused():
    """BERT's attention is causal once it is told to be a decoder; it may not be told otherwise."""
    try_model("domain", "hf", {"a": GPT2, "b": bert()}, NEXT)
    with pytest.raises(UserError, match="is_decoder: is True of these data"):
        try_model("domain", "hf", {"a": bert(is_decoder=False)}, NEXT)


def test_images_too_small_for_a_network_are_said_with_the_way_out():
    with pytest.raises(UserError, match="images are 16×16: `resize` has them resized"):
        try_model("domain", "torchvision", {"a": {"name": "alexnet"}}, GREY)


def test_lora_without_layers_to_add_to_is_said(tmp_path):
    size = {"pretrained": checkpoint(tmp_path / "one"), "tune": "lora", "targets": ["nothing"]}
    with pytest.raises(UserError, match="LoRA finds no layer to add to"):
        build("hf", size, TEXT)


def test_between_named_models_there_is_none():
    ladder = [{"name": "resnet18"}, {"name": "resnet34"}]
    size, counts = smallest_with("torchvision", 15e6, ladder, COLOUR)
    assert size == ladder[1] and counts["total"] > 2e7
    said = lies_between("torchvision", 15e6, ladder, COLOUR, "total")
    assert "lie between resnet18 (11,178,051) and resnet34 (21,286,211)" in said
    assert not lies_between("torchvision", counts["total"], ladder, COLOUR, "total")
    with pytest.raises(UserError, match="more than resnet34 has, the largest of the ladder"):
        smallest_with("torchvision", 1e8, ladder, COLOUR)


@pytest.mark.parametrize(
    ("name", "ladder", "meta"),
    [
        ("hf", [bert(16), bert(32), bert(64)], TEXT),
        ("torchvision", [MOBILE, MOBILE | {"width": 0.5}], COLOUR),
    ],
)
def test_between_and_beyond_widths_there_is(name, ladder, meta):
    ends = [count_params(name, size, meta)["total"] for size in ladder]
    for params in ((ends[0] * ends[1]) ** 0.5, 1.7 * ends[-1]):
        size, counts = smallest_with(name, params, ladder, meta)
        assert params <= counts["total"] < 1.2 * params
        assert size.keys() == ladder[0].keys()
    assert not lies_between(name, params, ladder, meta, "total")


def test_a_ladder_of_checkpoints_prepares_its_data_by_the_first_ones_tokenizer(tmp_path):
    from alphascale.config import read_study

    one, two = checkpoint(tmp_path / "one"), checkpoint(tmp_path / "two", 32)
    study = read_study({"domains": {"d": {
        "data": {"source": "torch_code"}, "family": "hf", "target": {"accuracy": 0.5},
        "ladder": {"a": {"pretrained": one}, "b": {"pretrained": two}, "c": bert(8)},
    }}})  # fmt: skip
    assert slices.data_slice(study, "d").tokenizer == one
    spec = slices.train_slice(study, "d", "a", "1.0")
    # Neither where the weights nor where the tokenizer lie is part of a training.
    assert one not in repr(spec) and spec.size["pretrained"].startswith("sha256:")
