"""Images of a user's own: folders and IDX files give back their pixels; faults are named."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.sources import inspect, source
from alphascale.sources.inspect import check_source, source_state
from data_made import built, digits, spec, write_idx
from PIL import Image


def idx_folder(folder, n=60, ending="", test=0, dot="-"):
    images, labels = digits(n + test)
    for part, rows in (("train", slice(n)), ("t10k", slice(n, n + test))):
        if part == "train" or test:
            write_idx(folder / f"{part}-images{dot}idx3-ubyte{ending}", images[rows])
            write_idx(folder / f"{part}-labels{dot}idx1-ubyte{ending}", labels[rows])
    return images, labels


def class_folders(folder, n=30, size=(5, 6), mode="L", ending="png"):
    images, labels = digits(n)
    for i, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        (folder / f"class{label}").mkdir(exist_ok=True)
        image = Image.fromarray(pixels).resize(size).convert(mode)
        image.save(folder / f"class{label}" / f"{i}.{ending}")
    return images, labels


def by_content(tensors, parts=("train", "validation", "test")):
    """{(pixels, class)} of all splits, to compare without regard to order."""
    return sorted(
        (x.tobytes(), int(y))
        for part in parts
        for x, y in zip(tensors[f"{part}_x"], tensors[f"{part}_y"], strict=True)
    )


@pytest.mark.parametrize(("ending", "dot"), [("", "-"), (".gz", "-"), (".gz", ".")])
def test_idx_files_give_back_every_pixel_and_label(tmp_path, ending, dot):
    images, labels = idx_folder(tmp_path, ending=ending, dot=dot)
    section = spec("images", path=str(tmp_path))
    check_source("d", section)
    tensors, about = built("images", path=str(tmp_path))
    assert about["shape"] == [1, 6, 5] and about["class_names"] == ["0", "1", "2"]
    assert tensors["train_x"].dtype == np.uint8
    whole = sorted((x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True))
    assert by_content(tensors) == whole
    train = tensors["train_x"].astype(float)
    assert np.allclose(about["mean"], train.mean()) and np.allclose(about["std"], train.std())


def test_t10k_files_are_the_test_split_and_the_configured_one_is_said_to_be_unused(tmp_path):
    images, labels = idx_folder(tmp_path, n=60, test=30)
    tensors, about = built("images", path=str(tmp_path), test=0.5)
    own = sorted((x.tobytes(), int(y)) for x, y in zip(images[60:], labels[60:], strict=True))
    assert by_content(tensors, ["test"]) == own
    assert about["sizes"] == {"train": 54, "validation": 6, "test": 30}
    assert any("source's own" in note for note in about["notes"])
    limited, about = built("images", path=str(tmp_path), limit=45)
    assert about["sizes"]["test"] == 15 and sum(about["sizes"].values()) == 45
    assert set(by_content(limited, ["test"])) <= set(own)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 3), ("1", 1)])
def test_a_folder_per_class_is_read_in_grey_or_colour(tmp_path, mode, channels):
    images, _ = class_folders(tmp_path, mode=mode)
    (tmp_path / "class0" / "notes.txt").write_text("no image")
    (tmp_path / "class0" / ".hidden").write_text("no image")
    tensors, about = built("images", path=str(tmp_path))
    assert about["shape"] == [channels, 6, 5]
    assert about["class_names"] == ["class0", "class1", "class2"]
    assert any("skipped 1 files" in note for note in about["notes"])
    if mode != "1":
        pixels = sorted(np.repeat(i[None], channels, 0).tobytes() for i in images)
        assert [x for x, _ in sorted(by_content(tensors))] == pixels
    for part in about["sizes"]:  # the first row of pixels tells the class
        told = tensors[f"{part}_x"][:, 0, 0, 0] // (60 if mode != "1" else 255)
        if mode != "1":
            assert (told == tensors[f"{part}_y"]).all()


def test_images_of_several_sizes_are_resized_when_told_to(tmp_path):
    class_folders(tmp_path)
    Image.new("L", (9, 9)).save(tmp_path / "class0" / "big.png")
    with pytest.raises(UserError, match=r"image_size: .* pixels and others are") as refusal:
        built("images", path=str(tmp_path))
    assert "9×9" in str(refusal.value)
    _, about = built("images", path=str(tmp_path), image_size=8)
    assert about["shape"] == [1, 8, 8]


def spoil(folder, name, change):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


def no_labels(folder):
    idx_folder(folder)
    (folder / "train-labels-idx1-ubyte").unlink()


def fewer_labels(folder):
    idx_folder(folder)
    write_idx(folder / "train-labels-idx1-ubyte", digits(59)[1])


def cut(folder):
    idx_folder(folder)
    spoil(folder, "train-images-idx3-ubyte", lambda raw: raw[:-1])


def cut_gzip(folder):
    idx_folder(folder, ending=".gz")
    spoil(folder, "train-images-idx3-ubyte.gz", lambda raw: raw[: len(raw) // 2])


def not_gzip(folder):
    idx_folder(folder, ending=".gz")
    spoil(folder, "train-images-idx3-ubyte.gz", gzip.decompress)


def pickled(folder):
    idx_folder(folder)
    spoil(folder, "train-labels-idx1-ubyte", lambda raw: b"\x80\x04cos\nsystem\n")


def two_of_a_kind(folder):
    idx_folder(folder)
    write_idx(folder / "emnist-train-images-idx3-ubyte", digits(5)[0])


def broken_image(folder):
    class_folders(folder)
    spoil(folder, "class1/1.png", lambda raw: raw[:60])


def no_image(folder):
    class_folders(folder)
    (folder / "class1" / "1.png").write_bytes(b"GIF no")


def deep_image(folder):
    class_folders(folder)
    Image.fromarray(np.zeros((6, 5), np.uint16)).save(folder / "class0" / "deep.png")


def empty_class(folder):
    class_folders(folder)
    (folder / "class9").mkdir()


def split_folders(folder):
    for name in ("train", "test"):
        (folder / name).mkdir()
        class_folders(folder / name)


def one_class(folder):
    (folder / "only").mkdir()


AT_PARSE = {
    no_labels: ["no train-labels-idx1-ubyte"],
    two_of_a_kind: ["emnist-train-images-idx3-ubyte", "keep one"],
    split_folders: ["train", "splits"],
    one_class: ["1 folder(s)", "at least 2"],
}
LATER = {
    fewer_labels: ["60 images", "59 labels"],
    cut: ["train-images-idx3-ubyte", "1799 bytes", "60 × 6 × 5"],
    cut_gzip: ["train-images-idx3-ubyte.gz", "whole file"],
    not_gzip: ["train-images-idx3-ubyte.gz", "whole file"],
    pickled: ["train-labels-idx1-ubyte", "00 00 08 01"],
    broken_image: ["1.png"],
    no_image: ["1.png", "not an image"],
    deep_image: ["deep.png", "8 bits"],
    empty_class: ["class9", "no image"],
}


@pytest.mark.parametrize("fault", [*AT_PARSE, *LATER], ids=lambda fault: fault.__name__)
def test_bad_images_are_refused_by_name(tmp_path, fault):
    fault(tmp_path)
    with pytest.raises(UserError) as refusal:
        if fault in AT_PARSE:
            check_source("d", spec("images", path=str(tmp_path)))
        else:
            built("images", path=str(tmp_path))
    message = str(refusal.value)
    assert len(message.splitlines()) == 1
    assert all(word in message for word in (AT_PARSE | LATER)[fault]), message


def test_the_state_of_a_folder_follows_its_files(tmp_path):
    class_folders(tmp_path)
    section = spec("images", path=str(tmp_path))
    before = source_state(section)
    assert before == source_state(section)
    path = tmp_path / "class0" / "0.png"
    os.utime(path, ns=(1, 1))
    assert before == source_state(section)
    path.write_bytes(bytes(reversed(path.read_bytes())))
    edited = source_state(section)
    path.rename(tmp_path / "class0" / "renamed.png")
    assert len({before, edited, source_state(section)}) == 3


def test_the_state_of_a_large_folder_follows_its_files_times(tmp_path, monkeypatch):
    class_folders(tmp_path)
    section = spec("images", path=str(tmp_path))
    monkeypatch.setattr(inspect, "MOST_BYTES", 10)
    before = source_state(section)
    os.utime(tmp_path / "class0" / "0.png", ns=(1, 1))
    assert before != source_state(section)


def test_grey_images_among_coloured_ones_keep_their_pixels(tmp_path):
    rng = np.random.default_rng(0)
    made = rng.integers(0, 256, (12, 6, 5, 3)).astype(np.uint8)
    made[:8] = made[:8, :, :, :1]
    for i, pixels in enumerate(made):
        folder = tmp_path / f"class{i // 6}"
        folder.mkdir(exist_ok=True)
        image = Image.fromarray(pixels[..., 0]) if i < 8 else Image.fromarray(pixels)
        image.save(folder / f"{i:02d}.png")
    pool = source("images").read(spec("images", path=str(tmp_path)))
    assert (pool.x == made.transpose(0, 3, 1, 2)).all()
