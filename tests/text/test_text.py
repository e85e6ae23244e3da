"""Vocabularies, files, datasets and names of torchtext that are not recorded programs."""

import gzip
import hashlib
import importlib
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import text_programs

import torchax_lite as torch
from torchax_lite import text as torchtext
from torchax_lite.text import datasets, transforms, utils
from torchax_lite.text.vocab import Vocab, build_vocab_from_iterator, vocab
from torchax_lite.utils.data import DataLoader, IterDataPipe

ROOT = Path(torch.__file__).parents[1]

# -- vocabularies ------------------------------------------------------------------------------------------------------


def test_vocabularies_are_made_by_frequency_then_name():
    texts = [["b", "a", "c"], ["a", "b"], ["a", "d"]]
    made = build_vocab_from_iterator(iter(texts), specials=["<unk>", "c"])
    assert made.get_itos() == ["<unk>", "c", "a", "b", "d"]
    assert build_vocab_from_iterator(texts, min_freq=2, special_first=False, specials=["x"]).get_itos() == [
        "a",
        "b",
        "x",
    ]
    assert build_vocab_from_iterator(texts, max_tokens=3, specials=["x"]).get_itos() == ["x", "a", "b"]
    with pytest.raises(AssertionError, match="entirely special tokens"):
        build_vocab_from_iterator(texts, max_tokens=1, specials=["x"])
    ordered = OrderedDict([("z", 3), ("y", 1), ("s", 9)])
    assert vocab(ordered, min_freq=2, specials=["s"]).get_itos() == ["s", "z"]


def test_a_vocabulary_looks_up_both_ways():
    v = vocab(OrderedDict(a=1, b=1, c=1))
    assert isinstance(v, Vocab) and isinstance(v, torch.nn.Module) and not v.is_jitable
    assert len(v) == 3 and "b" in v and "x" not in v and v["c"] == 2 and v(["b", "a"]) == [1, 0]
    assert v.lookup_token(1) == "b" and v.lookup_tokens([2, 0]) == ["c", "a"] and v.lookup_indices(["c"]) == [2]
    assert v.get_stoi() == {"a": 0, "b": 1, "c": 2} and v.get_default_index() is None
    v.insert_token("n", 1)
    v.append_token("m")
    assert v.get_itos() == ["a", "n", "b", "c", "m"] and v["c"] == 3
    v.set_default_index(0)
    assert v["nowhere"] == 0 and v.get_default_index() == 0
    assert (
        v.__prepare_scriptable__() is v if hasattr(v, "__prepare_scriptable__") else torch.jit.script(v)(["n"]) == [1]
    )


def test_a_vocabulary_says_what_is_wrong():
    v = vocab(OrderedDict(a=1, b=1))
    for call, text in [
        (lambda: v["x"], "Token x not found and default index is not set"),
        (lambda: v(["a", "x"]), "Token x not found and default index is not set"),
        (lambda: v.lookup_token(2), "Specified index 2 is out of bounds for vocab of size 2"),
        (lambda: v.lookup_token(-1), "Specified index -1 is out of bounds"),
        (lambda: v.lookup_tokens([0, 5]), "Specified index 5 at position 1 is out of bounds for vocab of size 2"),
        (lambda: v.insert_token("c", 3), "Specified index 3 is out of bounds for vocab of size 2"),
        (lambda: v.insert_token("a", 0), "Token a not found in Vocab"),
        (lambda: v.append_token("b"), "Token b already exists in the Vocab with index: 1"),
        (lambda: vocab(OrderedDict(a=1), specials=["x", "x"]), "Duplicate token found in tokens list: x"),
    ]:
        with pytest.raises(RuntimeError, match=text):
            call()


def test_vocabularies_are_saved_and_sent(tmp_path):
    v = build_vocab_from_iterator([["é", "b"]], specials=["<unk>"])
    v.set_default_index(0)
    again = pickle.loads(pickle.dumps(v))
    assert again.get_itos() == v.get_itos() and again["?"] == 0
    torch.save(v, tmp_path / "v.pt")
    assert torch.load(tmp_path / "v.pt", weights_only=False)(["b", "?"]) == v(["b", "?"])
    assert v.vocab.__getstate__() == ("0.0.2", [0], v.get_itos(), [])
    loader = DataLoader([["b", "?"], ["é"]], batch_size=None, num_workers=1, collate_fn=v)
    assert list(loader) == [v(["b", "?"]), v(["é"])]


def test_labels_get_indices(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("pos\nneg\n\n")
    for made in (
        transforms.LabelToIndex(["pos", "neg"], sort_names=True),
        transforms.LabelToIndex(label_path=str(path)),
    ):
        assert sorted(made.label_names) == ["neg", "pos"]
        assert made(made.label_names) == [0, 1] and made(made.label_names[1]) == 1
    with pytest.raises(AssertionError, match="label_names or label_path is required"):
        transforms.LabelToIndex()
    with pytest.raises(TypeError, match="Input type not supported"):
        made(3)
    words = transforms.VocabTransform(vocab(OrderedDict(a=1, b=1)))
    assert words([["a"], ["b", "a"]]) == [[0], [1, 0]] and words(["b"]) == [1]


# -- files -------------------------------------------------------------------------------------------------------------


def test_archives_are_extracted(tmp_path):
    for name in ("a.zip", "b.tar.gz", "c.tgz"):
        text_programs.pack(str(tmp_path / name), {"in/x.txt": name}) if name != "c.tgz" else None
    with tarfile.open(tmp_path / "c.tgz", "w:gz") as tar:
        (tmp_path / "y.txt").write_text("c")
        tar.add(tmp_path / "y.txt", "in/y.txt")
    out = str(tmp_path / "out")
    assert utils.extract_archive(str(tmp_path / "a.zip"), out) == [os.path.join(out, "in/x.txt")]
    assert utils.extract_archive(str(tmp_path / "b.tar.gz"), out) == [os.path.join(out, "in/x.txt")]
    assert Path(out, "in/x.txt").read_text() == "a.zip"  # what is there stays
    utils.extract_archive(str(tmp_path / "b.tar.gz"), out, overwrite=True)
    assert Path(out, "in/x.txt").read_text() == "b.tar.gz"
    assert utils.extract_archive(str(tmp_path / "c.tgz"), out) == [os.path.join(out, "in/y.txt")]
    with gzip.open(tmp_path / "d.txt.gz", "wb") as file:
        file.write(b"d")
    assert utils.extract_archive(str(tmp_path / "d.txt.gz")) == [str(tmp_path / "d.txt")]
    with pytest.raises(NotImplementedError, match="We currently only support"):
        utils.extract_archive("x.rar")


def test_an_archive_cannot_write_elsewhere(tmp_path):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        (tmp_path / "x").write_text("x")
        tar.add(tmp_path / "x", "../../escaped.txt")
    with pytest.raises(tarfile.FilterError):
        utils.extract_archive(str(tmp_path / "evil.tar.gz"), str(tmp_path / "a" / "b"))
    assert not (tmp_path / "escaped.txt").exists()


def test_files_that_are_there_are_not_fetched(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("hello")
    digest = hashlib.sha256(b"hello").hexdigest()
    assert utils.download_from_url("http://nowhere.invalid/file.txt", root=str(tmp_path), hash_value=digest) == str(
        path
    )
    with pytest.raises(RuntimeError, match="does not match"):
        utils.download_from_url("http://nowhere.invalid/file.txt", path=str(path), hash_value="00")
    copied = utils.download_from_url(path.as_uri(), path=str(tmp_path / "new" / "copy.txt"))
    assert Path(copied).read_text() == "hello"
    with pytest.raises(RuntimeError, match="drive.google.com.*where it is looked for first"):
        utils.download_from_url("https://drive.google.com/uc?id=1", path=str(tmp_path / "none"))
    assert utils.get_asset_local_path(str(path)) == str(path)
    assert list(utils.unicode_csv_reader(['a,"b,c"', "d,e"])) == [["a", "b,c"], ["d", "e"]]


# -- datasets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(datasets.DATASETS))
def test_a_missing_dataset_says_where_it_belongs(name, tmp_path):
    with pytest.raises(RuntimeError) as caught:
        list(getattr(datasets, name)(root=str(tmp_path)))
    assert str(tmp_path / "datasets" / name) in str(caught.value) and "not downloaded here" in str(caught.value)
    assert "http" in str(caught.value)


def test_datasets_are_pipes_that_workers_share(tmp_path):
    text_programs.DATASETS["AG_NEWS"](str(tmp_path))
    train, test = datasets.AG_NEWS(root=str(tmp_path))
    assert isinstance(train, IterDataPipe)
    assert list(train) == list(train)
    rows = [row for batch in DataLoader(train.map(lambda row: row[0]), 1, num_workers=2) for row in batch.tolist()]
    assert sorted(rows) == [1, 2]
    assert [type(batch[0]) for batch in DataLoader(test, 2, shuffle=True)] == [torch.Tensor]


def test_iwslt(tmp_path):
    xml = '<x><srcset><doc><seg id="1"> {} eins </seg><seg id="2">zwei</seg></doc></srcset></x>'
    files = {}
    for language in ("de", "en"):
        files[f"de-en/train.tags.de-en.{language}"] = f"<url>x</url>\n{language} one\n two \n<title>y</title>\n"
        for year_set in ("tst2013", "tst2014"):
            files[f"de-en/IWSLT16.TED.{year_set}.de-en.{language}.xml"] = xml.format(language)
    folder = tmp_path / "datasets" / "IWSLT2016"
    inner = folder / "make" / "de-en.tar.gz"
    text_programs.pack(str(inner), files)
    with tarfile.open(folder / "2016-01.tgz", "w:gz") as tar:
        tar.add(inner, "2016-01/texts/de/en/de-en.tgz")
    train, valid, test = datasets.IWSLT2016(root=str(tmp_path))
    assert list(train) == [("de one\n", "en one\n"), ("two\n", "two\n")]
    assert list(valid) == list(test) == [("de eins\n", "en eins\n"), ("zwei\n", "zwei\n")]
    assert list(datasets.IWSLT2016(root=str(tmp_path), split="valid")) == list(valid)
    with pytest.raises(ValueError, match="tgt_language 'fr' is not valid"):
        datasets.IWSLT2016(root=str(tmp_path), language_pair=("de", "fr"))
    with pytest.raises(ValueError, match="valid_set 'x' is not valid"):
        datasets.IWSLT2016(root=str(tmp_path), valid_set="x")


def test_cnn_dailymail(tmp_path):
    folder = tmp_path / "datasets" / "CNNDM"
    for source in ("cnn", "dailymail"):
        url = f"http://{source}/1"
        story = hashlib.sha1(url.encode()).hexdigest() + ".story"
        text_programs.write(str(folder), f"{source}/stories/{story}", text_programs.STORY)
        text_programs.write(str(folder), f"{source}/stories/other.story", "no")
        for split in ("training", "validation", "test"):
            text_programs.write(str(folder), f"{source}_wayback_{split}_urls.txt", url + "\n")
    article = "First line . A sentence. Another “quote”"
    assert list(datasets.CNNDM(root=str(tmp_path), split="val")) == [(article, "A point . More points!")] * 2


# -- names -------------------------------------------------------------------------------------------------------------


def test_torchtext_is_imported_under_its_name(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
import torch, torchtext
import torchtext.vocab.vocab
from torchtext.data.utils import get_tokenizer
from torchtext.vocab import build_vocab_from_iterator, vocab, GloVe
from torchtext.data.functional import to_map_style_dataset
from torchtext.legacy import data, datasets
from torchtext.legacy.vocab import Vocab
import torchtext.transforms as T
import torchtext.datasets, torchtext.models, torchtext.nn, torchtext.experimental, torchtext.prototype
torchtext.disable_torchtext_deprecation_warning()
assert callable(vocab) and torchtext.vocab.vocab is vocab
v = build_vocab_from_iterator([get_tokenizer("basic_english")("Hello, world")])
print(v(["hello"]), torchtext.__version__.split("+")[0], torchtext.data.Field is data.Field)
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "torchax_lite", script], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[1] 0.18.0 True\n"


def test_optional_packages_are_named(monkeypatch, capsys):
    from torchax_lite.text.data import get_tokenizer

    for name, said in {
        "spacy": "SpaCy",
        "moses": "SacreMoses",
        "toktok": "NLTK",
        "revtok": "revtok",
        "subword": "revtok",
    }.items():
        package = {"moses": "sacremoses", "toktok": "nltk", "subword": "revtok"}.get(name, name)
        monkeypatch.setitem(sys.modules, package, None)
        if package == "nltk":
            monkeypatch.setitem(sys.modules, "nltk.tokenize.toktok", None)
        with pytest.raises(ImportError):
            get_tokenizer(name)
        assert f"Please install {said}" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ImportError, match="pip install sentencepiece"):
        torchtext._torchtext.SentencePiece(b"")


def test_zip_names_are_those_of_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("wikitext-2/wiki.train.tokens", "a\n")
    assert importlib.import_module("torchax_lite.text.datasets") is datasets
    assert json.dumps(sorted(datasets.DATASETS)) == json.dumps(sorted(datasets.__all__))
