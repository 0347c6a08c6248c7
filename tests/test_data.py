"""The digits that notebooks carry are those in ``data/``; MNIST comes from disk or by download, or they stand in."""

import csv
import gzip
import struct
from pathlib import Path

import pytest
import torch
from conftest import ROOT

from autograder.build.setup_cell import setup_text, tools_text

SAMPLE = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def setup() -> dict:
    """The names that set-up and tools with the data helpers define."""
    namespace: dict = {}
    exec(setup_text(), namespace)
    exec(tools_text({"load_digits", "load_mnist"}, ROOT / "data"), namespace)
    return namespace


def write_idx(path: Path, array: torch.Tensor) -> None:
    """Write a uint8 tensor in MNIST's IDX format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{array.dim()}I", 0, 0, 8, array.dim(), *array.shape)
    path.write_bytes(header + array.numpy().tobytes())


def test_digits_are_those_in_the_data_folder(setup):
    images, labels = setup["load_digits"]()
    with gzip.open(ROOT / "data" / "digits.csv.gz", "rt") as file:
        rows = torch.tensor([[int(value) for value in row] for row in csv.reader(file)])
    assert images.shape == (1797, 8, 8)
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert torch.equal(images.reshape(-1, 64).long(), rows[:, :64])
    assert torch.equal(labels, rows[:, 64])
    assert (images.min(), images.max()) == (0, 16)


def test_photograph_is_the_one_in_the_data_folder():
    namespace: dict = {}
    exec(setup_text(), namespace)
    exec(tools_text({"load_photo"}, ROOT / "data"), namespace)
    photo = namespace["load_photo"]()
    assert photo.shape == (3, 96, 128)
    assert photo.dtype == torch.float32
    assert 0 <= photo.min() < 0.1 < 0.8 < photo.max() <= 1
    red, green, blue = photo[:, 0:96, 0:96].mean(dim=(1, 2))
    assert red > green > blue, "a ginger cat"


def test_mnist_from_disk(setup, tmp_path, monkeypatch):
    images = torch.randint(0, 256, (7, 28, 28), dtype=torch.uint8)
    labels = torch.arange(7, dtype=torch.uint8)
    for part in ("train", "t10k"):
        write_idx(tmp_path / "MNIST" / "raw" / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / "MNIST" / "raw" / f"{part}-labels-idx1-ubyte", labels)
    monkeypatch.setitem(setup, "DATA", tmp_path)
    dataset = setup["load_mnist"](train=True)
    assert torch.equal(dataset.data, images)
    assert dataset.targets.tolist() == list(range(7))


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real MNIST sample is not beside this checkout")
def test_mnist_from_disk_real(setup, tmp_path, monkeypatch):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in SAMPLE.glob("MNIST/raw/*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    monkeypatch.setitem(setup, "DATA", tmp_path)
    train, test = setup["load_mnist"](train=True), setup["load_mnist"](train=False)
    assert train.data.shape == (8000, 28, 28)
    assert test.data.shape == (2000, 28, 28)


def test_without_disk_and_network_the_digits_stand_in(setup, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(setup, "DATA", tmp_path)
    monkeypatch.setitem(setup, "OFFLINE", True)
    setup["say_once"].cache_clear()
    train, test = setup["load_mnist"](train=True), setup["load_mnist"](train=False)
    said = capsys.readouterr().out.splitlines()
    assert said == ["MNIST is not on disk and cannot be downloaded: using the UCI digits, enlarged to 28×28, instead."]
    assert train.data.shape == (1438, 28, 28)
    assert test.data.shape == (359, 28, 28)
    assert train.data.dtype == torch.uint8
    assert train.data[:, :4].max() == 0
    assert train.data.max() == 255
    image, label = test[3]
    assert image.size == (28, 28)
    assert isinstance(label, int)
    assert list(tmp_path.iterdir()) == [], "nothing may be left behind"


def test_download_is_tried_when_there_may_be_a_network(setup, tmp_path, monkeypatch, capsys):
    import torchvision

    tried = []

    def refuse(self):
        tried.append(self.root)
        raise RuntimeError("Error downloading")

    monkeypatch.setitem(setup, "DATA", tmp_path)
    monkeypatch.setitem(setup, "OFFLINE", False)
    monkeypatch.setattr(torchvision.datasets.MNIST, "download", refuse)
    setup["say_once"].cache_clear()
    setup["load_mnist"](train=False)
    assert tried == [tmp_path]
    assert "using the UCI digits" in capsys.readouterr().out
