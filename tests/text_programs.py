"""Programs on torchtext whose results are recorded (``recorders/record_text.py``) and compared.

``CLASSIC`` programs use the interface of torchtext up to 0.8 (``torchtext.data`` here means ``torchtext.legacy.data``);
``MODERN`` ones that of 0.18. Each is a function of ``torch``, ``torchtext`` and a folder; ``plain`` makes its result JSON.
"""

import gzip
import importlib
import json
import lzma
import os
import pickle
import random
import tarfile
import zipfile

CLASSIC = {}
MODERN = {}


def classic(fn):
    CLASSIC[fn.__name__] = fn
    return fn


def modern(fn):
    MODERN[fn.__name__] = fn
    return fn


def plain(value):
    """Nested lists, with tensors as their dtype, shape and values (floats rounded to six digits)."""
    if hasattr(value, "tolist"):
        return [str(value.dtype), list(value.shape), plain(value.tolist())]
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(v) for v in (sorted(value) if isinstance(value, set) else value)]
    return value


def error(fn):
    """The class and the text of the exception that ``fn`` raises."""
    try:
        fn()
    except Exception as e:
        return [type(e).__name__, str(e)]
    return "no error"


TEXTS = [
    "the cat sat on the mat", "a dog barked", "the mat was red", "cats and dogs", "why not ?", "it rained all day long",
    "red cats", "the dog chased the cat up a tall tree", "no", "day after day the rain fell on the red mat",
    "the end of the day", "a tall tale", "dogs bark", "the cat and the dog", "up and down", "it was a long long tale",
    "why ?", "the rain", "a red red mat", "down the tree came the cat",
]  # fmt: skip
LABELS = ["pos" if len(text) % 3 else "neg" for text in TEXTS]


# -- classic -----------------------------------------------------------------------------------------------------------


def columns(data, *fields):
    rows = zip(TEXTS, LABELS)
    return data.Dataset([data.Example.fromlist(row, fields) for row in rows], fields)


def shown(batch):
    return {name: getattr(batch, name) for name in batch.fields}


FIELD_OPTIONS = {
    "default": {},
    "ends": {"init_token": "<s>", "eos_token": "</s>"},
    "lengths": {"include_lengths": True, "batch_first": True},
    "fixed": {"fix_length": 5, "init_token": "<s>"},
    "fixed_ends": {"fix_length": 6, "init_token": "<s>", "eos_token": "</s>", "truncate_first": True},
    "pad_first": {"pad_first": True, "eos_token": "</s>", "include_lengths": True},
    "stop_words": {"stop_words": ["the", "a"], "lower": True},
    "no_unknown": {"unk_token": None},
    "int32": {"dtype": "int32", "batch_first": True},
}


@classic
def fields(torch, torchtext, tmp):
    out = {}
    for name, options in FIELD_OPTIONS.items():
        if "dtype" in options:
            options = {**options, "dtype": getattr(torch, options["dtype"])}
        text = torchtext.data.Field(**options)
        dataset = columns(torchtext.data, ("text", text), ("label", torchtext.data.LabelField()))
        text.build_vocab(dataset)
        padded = text.pad([x.text for x in dataset.examples[:4]])
        out[name] = [text.vocab.itos, padded, text.process([x.text for x in dataset.examples[:4]])]
    return out


@classic
def vocabularies(torch, torchtext, tmp):
    text, label = torchtext.data.Field(init_token="<s>"), torchtext.data.LabelField()
    dataset = columns(torchtext.data, ("text", text), ("label", label))
    out = []
    for options in ({}, {"max_size": 6}, {"min_freq": 3}, {"specials": ["<m>", "<s>"]}, {"specials_first": False}):
        text.build_vocab(dataset, **options)
        vocab = text.vocab
        out.append([vocab.itos, dict(vocab.stoi), len(vocab), vocab.stoi["nowhere"], vocab["cat"]])
    label.build_vocab(dataset)
    out.append([label.vocab.itos, dict(label.vocab.freqs), error(lambda: label.vocab.stoi["nowhere"])])
    again = pickle.loads(pickle.dumps(text.vocab))
    out.append([again == text.vocab, again.stoi["nowhere"], again.itos == text.vocab.itos])
    other = torchtext.data.Field()
    other.build_vocab([["zebra", "cat"], ["ape"]])
    text.vocab.extend(other.vocab, sort=True)
    out.append(text.vocab.itos[-4:])
    return out


@classic
def raw_fields_and_numbers(torch, torchtext, tmp):
    data = torchtext.data
    number = data.Field(sequential=False, use_vocab=False, dtype=torch.float)
    raw = data.RawField(preprocessing=str.upper, postprocessing=lambda batch: ["!".join(batch)])
    examples = [
        data.Example.fromlist([str(i / 4), text], [("y", number), ("x", raw)]) for i, text in enumerate(TEXTS[:3])
    ]
    batch = data.Batch(examples, data.Dataset(examples, [("y", number), ("x", raw)]))
    sequence = data.Field(use_vocab=False, pad_token=0)
    return [shown(batch), sequence.process([[1, 2, 3], [4]]), number == data.Field(sequential=False), number != raw]


@classic
def iterators(torch, torchtext, tmp):
    data = torchtext.data
    text, label = data.Field(include_lengths=True), data.LabelField()
    dataset = columns(data, ("text", text), ("label", label))
    text.build_vocab(dataset)
    label.build_vocab(dataset)
    dataset.sort_key = lambda x: len(x.text)
    out = {}
    for kind in ("Iterator", "BucketIterator"):
        for name, options in {
            "train": {}, "test": {"train": False}, "sorted_within": {"sort_within_batch": True},
            "in_order": {"shuffle": False, "sort": False}, "by_words": {"batch_size_fn": words_so_far, "batch_size": 16},
        }.items():  # fmt: skip
            random.seed(7)
            iterator = getattr(data, kind)(dataset, **{"batch_size": 6, **options})
            out[f"{kind} {name}"] = [[shown(batch) for batch in iterator] for _ in range(2)]
            out[f"{kind} {name} state"] = [iterator.iterations, random.random()]
    return out


def words_so_far(new, count, sofar):
    return sofar + len(new.text)


@classic
def splits_and_state(torch, torchtext, tmp):
    data = torchtext.data
    text, label = data.Field(), data.LabelField()
    dataset = columns(data, ("text", text), ("label", label))
    dataset.sort_key = lambda x: len(x.text)
    text.build_vocab(dataset)
    label.build_vocab(dataset)
    random.seed(3)
    state = random.getstate()
    out = []
    for ratio in (0.7, 0.35, [0.6, 0.2, 0.2], [2, 1, 1], [3, 2]):
        parts = dataset.split(ratio, random_state=state)
        out.append([[x.text for x in part] for part in parts])
    for ratio in (1.5, [1, 2, 3, 4], "no"):
        out.append(error(lambda ratio=ratio: dataset.split(ratio)))
    train, test = dataset.split(0.8, random_state=state)
    a, b = data.BucketIterator.splits((train, test), batch_sizes=(4, 2), sort_within_batch=True)
    out.append([[len(x) for x in a], [len(x) for x in b], len(a), len(b), a.train, b.train])
    random.seed(5)
    first = data.BucketIterator(dataset, 6, repeat=False)
    steps = iter(first)
    next(steps)
    saved = first.state_dict()
    rest = [shown(batch) for batch in steps]
    second = data.BucketIterator(dataset, 6)
    second.load_state_dict(saved)
    out.append([rest == [shown(batch) for batch in second] if False else len(rest), second.epoch])
    out.append([shown(batch) for batch in second])
    return out


@classic
def language_model(torch, torchtext, tmp):
    data = torchtext.data
    out = []
    for batch_first in (False, True):
        text = data.Field(batch_first=batch_first)
        words = " ".join(TEXTS).split()
        dataset = data.Dataset([data.Example.fromlist([words], [("text", text)])], [("text", text)])
        text.build_vocab(dataset)
        iterator = data.BPTTIterator(dataset, batch_size=4, bptt_len=5)
        out.append([len(iterator), [[batch.text, batch.target, batch.batch_size] for batch in iterator]])
    return out


@classic
def nested_fields(torch, torchtext, tmp):
    data = torchtext.data
    out = []
    for inner, outer in (
        ({}, {}),
        ({"init_token": "<w>", "eos_token": "</w>", "pad_token": "<c>"}, {"init_token": "<s>", "eos_token": "</s>"}),
        ({"fix_length": 4}, {"include_lengths": True, "fix_length": 3}),
        ({}, {"include_lengths": True, "pad_first": True}),
        ({"sequential": False}, {}),
    ):
        nesting = data.Field(tokenize=list, **inner)
        field = data.NestedField(nesting, **outer)
        examples = [field.preprocess(text) for text in TEXTS[:3]]
        field.build_vocab(examples)
        out.append([field.vocab.itos, field.pad(examples), field.process(examples)])
    out.append(error(lambda: data.NestedField(field)))
    out.append(error(lambda: data.NestedField(data.Field(include_lengths=True))))
    return out


@classic
def files_of_examples(torch, torchtext, tmp):
    data = torchtext.data
    rows = [("id", "text", "label"), *((str(i), text, label) for i, (text, label) in enumerate(zip(TEXTS, LABELS)))]
    for name, sep in (("data.csv", ","), ("data.tsv", "\t")):
        with open(os.path.join(tmp, name), "w") as file:
            file.writelines(sep.join(row) + "\n" for row in rows)
    with open(os.path.join(tmp, "data.json"), "w") as file:
        for i, text in enumerate(TEXTS):
            row = {"id": i, "text": text, "in": {"words": text.split()}, "list": [{"w": w} for w in text.split()[:2]]}
            file.write(json.dumps(row) + "\n")
    text, label = data.Field(lower=True), data.Field(sequential=False)
    listed = [("id", None), ("text", text), ("label", label)]
    named = {"label": ("y", label), "text": [("x", text), ("again", data.RawField())]}
    out = []
    for kind in ("csv", "TSV"):
        path = os.path.join(tmp, f"data.{kind.lower()}")
        a = data.TabularDataset(path, kind, listed, skip_header=True)
        b = data.TabularDataset(path, kind, named)
        out.append([[[x.text, x.label] for x in a], [[x.x, x.again, x.y] for x in b], sorted(b.fields), list(a.label)])
    nested = {"in.words": ("words", data.RawField()), "list.w": ("first", data.RawField()), "text": ("text", text)}
    c = data.TabularDataset(os.path.join(tmp, "data.json"), "json", nested, filter_pred=lambda x: len(x.text) > 3)
    out.append([[x.words, x.first, x.text] for x in c])
    out.append(error(lambda: data.TabularDataset(os.path.join(tmp, "data.json"), "json", {"no": ("x", text)})))
    parts = data.TabularDataset.splits(path=tmp, train="data.csv", test="data.csv", format="csv", fields=listed)
    out.append([len(part) for part in parts])
    return out


@classic
def pipelines_batches_and_keys(torch, torchtext, tmp):
    data = torchtext.data
    pipe = data.Pipeline(str.lower).add_before(data.Pipeline(str.strip)).add_after(lambda x: x + "!")
    rows = [[1, 2], [3], [4, 5, 6], [7], [8, 9], [10]]
    sized = lambda new, count, sofar: sofar + len(new)  # noqa: E731
    random.seed(1)
    return [
        pipe([" A", "b "]), pipe(" C "), error(lambda: data.Pipeline(3)), list(data.batch(rows, 2)),
        list(data.batch(rows, 3, sized)), list(data.pool(rows, 2, len, random_shuffler=lambda x: x[::-1], shuffle=True)),
        list(data.pool(rows, 2, len, sort_within_batch=True)), data.interleave_keys(5, 9),
    ]  # fmt: skip


@classic
def vectors_of_vocabularies(torch, torchtext, tmp):
    with open(os.path.join(tmp, "small.txt"), "w") as file:
        file.writelines(f"{word} {i} {i / 4} {-i}\n" for i, word in enumerate(["the", "cat", "mat", "dog", "red"], 1))
    vectors = torchtext.vocab.Vectors("small.txt", cache=tmp)
    text = torchtext.data.Field()
    dataset = columns(torchtext.data, ("text", text), ("label", torchtext.data.LabelField()))
    text.build_vocab(dataset, vectors=vectors, max_size=8)
    out = [text.vocab.itos, text.vocab.vectors]
    text.build_vocab(dataset, vectors=[vectors, vectors], max_size=3)
    out.append(text.vocab.vectors)
    text.vocab.set_vectors({"the": 1, "cat": 0}, torch.eye(2), 2)
    out.append(text.vocab.vectors)
    return [*out, error(lambda: text.vocab.load_vectors("glove.none")), error(lambda: text.vocab.load_vectors([3]))]


@classic
def datasets_of_files(torch, torchtext, tmp):
    data, sets = torchtext.data, torchtext.datasets
    for split in ("train", "test"):
        write(tmp, f"imdb/aclImdb/{split}/pos/1_9.txt", f"Good {split}\nmore")
        write(tmp, f"imdb/aclImdb/{split}/neg/1_1.txt", f"Bad {split}")
    for name in ("train_5500", "TREC_10"):
        write(tmp, f"trec/{name}.label", "NUM:count How many ?\nDESC:def What is it\n")
    for name in ("train", "val", "test2016"):
        write(tmp, f"multi30k/{name}.de", f"ein {name}\n\nzwei\n")
        write(tmp, f"multi30k/{name}.en", f"one {name}\nx\ntwo\n")
    for name in ("train", "dev", "test"):
        write(tmp, f"udpos/en-ud-v2/en-ud-tag.v2.{name}.txt", f"{name}\tNOUN\tNN\nis\tAUX\tVBZ\n\nNo\tINTJ\tUH\n")
        write(
            tmp,
            f"snli/snli_1.0/snli_1.0_{name}.jsonl",
            "".join(json.dumps(SNLI | {"gold_label": x}) + "\n" for x in ("-", "neutral")),
        )
    for name in ("train", "test"):
        write(tmp, f"conll2000/{name}.txt", "\n\n".join(f"w{i} T{i} C{i}" for i in range(12)) + "\n")
    for name in ("train", "valid", "test"):
        write(tmp, f"wikitext-2/wikitext-2/wiki.{name}.tokens", f" \n = {name} = \n some text here and there \n" * 3)
    text, label = data.Field(lower=True), data.Field(sequential=False)
    out = []
    for part in sets.IMDB.splits(text, label, root=tmp):
        out.append(sorted([x.text, x.label] for x in part))
    for fine in (False, True):
        out.append(
            [[[x.text, x.label] for x in part] for part in sets.TREC.splits(text, label, root=tmp, fine_grained=fine)]
        )
    for part in sets.Multi30k.splits((".de", ".en"), (text, text), root=tmp):
        out.append([[x.src, x.trg, part.sort_key(x)] for x in part])
    tags = [("word", text), ("tag", data.Field()), (None, None)]
    out.append([[[x.word, x.tag] for x in part] for part in sets.UDPOS.splits(tags, root=tmp)])
    chunks = sets.CoNLL2000Chunking.splits([("word", text), ("pos", data.Field()), ("chunk", data.Field())], root=tmp)
    out.append([[[x.word, x.pos, x.chunk] for x in part] for part in chunks])
    for part in sets.SNLI.splits(data.Field(), data.Field(sequential=False), root=tmp):
        out.append([[x.premise, x.hypothesis, x.label] for x in part])
    parsed = sets.SNLI.splits(data.Field(), data.Field(sequential=False), data.Field(), root=tmp)
    out.append([x.premise_transitions for x in parsed[0]])
    out.append([part[0].text for part in sets.WikiText2.splits(data.Field(), root=tmp)])
    batches = [
        [[batch.text, batch.target] for batch in part] for part in sets.WikiText2.iters(2, 4, root=tmp, device=None)
    ]
    return [*out, batches]


@classic
def stories(torch, torchtext, tmp):
    story = "1 Mary moved.\n2 John went.\n3 Where is Mary?\thall\t1\n4 Sandra left.\n5 Who left? \tSandra\t4\n1 New.\n2 What?\tx\t1\n"
    for i in range(1, 21):
        for kind in ("train", "valid", "test"):
            write(tmp, f"tasks_1-20_v1-2/en-valid/qa{i}_{kind}.txt", story)
    babi = importlib.import_module(torchtext.datasets.BABI20.__module__)
    out = []
    for options in ({}, {"joint": True}):
        parts = babi.BABI20.splits(babi.BABI20Field(4), root=tmp, **options)
        out.append([len(part) for part in parts])
    out.append([[x.story, x.query, x.answer] for x in parts[1].examples[:3]])
    batch = next(iter(babi.BABI20.iters(3, root=tmp, memory_size=4)[0]))
    return [*out, batch.story, batch.query, batch.answer]


SNLI = {
    "sentence1": "A man.", "sentence2": "He sat down.", "sentence1_binary_parse": "( A man . )",
    "sentence2_binary_parse": "( He ( sat down ) . )",
}  # fmt: skip


def write(folder, name, text):
    """Write a file in a folder; its path."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


# -- modern ------------------------------------------------------------------------------------------------------------

LINES = [
    'You can now install TorchText using pip!', "It's a \"test\"; isn't it?  (Yes: no, maybe.)<br />Next  line\t end.",
    "", "   ", "ÀÉ große Straße — 100% naïve…", "a'b\"c.d,e(f)g!h?i;j:k",
]  # fmt: skip


@modern
def tokenizers(torch, torchtext, tmp):
    get = torchtext.data.get_tokenizer
    return [
        [get("basic_english")(line) for line in LINES], [get(None)(line) for line in LINES], get(len)("abc"),
        error(lambda: get("nonsense")), error(lambda: get("basic_english", "de")), torchtext.data.interleave_keys(3, 12),
    ]  # fmt: skip


@modern
def ngrams_replacements_and_wikipedia(torch, torchtext, tmp):
    from torchtext.data import functional
    from torchtext.data.utils import dtype_to_attr, ngrams_iterator

    words = ["here", "we", "are", "now"]
    wiki = ["<page>", "#REDIRECT x", "'''A''' [[link|text]] &amp; {{no}} 42 [http://x y] [[category:Z|q]]", "a  B\tc\n"]
    vocab = {"here": 0, "we": 1, "are": 2}
    numbers = functional.numericalize_tokens_from_iterator(vocab, [["here", "are"], ["we"]], removed_tokens=["are"])
    return [
        [list(ngrams_iterator(words, n)) for n in (1, 2, 3, 5)],
        list(functional.custom_replace([(r"S", "s"), (r"\s+", " ")])(["Some  Text", "S"])),
        list(functional.simple_space_split([" a b", "c"])), list(functional.filter_wikipedia_xml(wiki)),
        [list(x) for x in numbers], dtype_to_attr(torch.int32), len(functional.to_map_style_dataset(iter(words))),
        functional.to_map_style_dataset(iter(words))[2], error(lambda: list(functional.filter_wikipedia_xml(3))),
    ]  # fmt: skip


@modern
def bleu(torch, torchtext, tmp):
    score = torchtext.data.metrics.bleu_score
    candidates = [["My", "full", "pytorch", "test"], ["Another", "Sentence"]]
    references = [[["My", "full", "pytorch", "test"], ["Completely", "Different"]], [["No", "Match"]]]
    long = [text.split() for text in TEXTS]
    others = [[(text + " x y").split(), text.split()[::-1]] for text in TEXTS]
    return [
        score(candidates, references), score(long, others), score(long, others, 2, [0.5, 0.5]), score([["a"]], [[["b"]]]),
        score(long, others, 3, [0.2, 0.3, 0.5]), error(lambda: score(long, others[:-1])),
        error(lambda: score(long, others, 3)),
    ]  # fmt: skip


@modern
def functions_of_sequences(torch, torchtext, tmp):
    F = torchtext.functional  # noqa: N806
    ids, words = [[1, 2, 3], [4, 5]], [["a", "b"], ["c"]]
    out = [
        F.to_tensor([1, 2]), F.to_tensor(ids, padding_value=0), F.to_tensor(ids, 7, dtype=torch.int32),
        F.to_tensor([[1, 2], [3, 4]]), F.truncate(ids, 2), F.truncate(["a", "b"], 1), F.add_token(ids, 0),
        F.add_token(words, "x", begin=False), F.add_token([1], 5, begin=False), F.str_to_int(["1", "20"]),
        F.str_to_int([["1"], ["2", "3"]]),
    ]  # fmt: skip
    for wrong in (lambda: F.to_tensor("ab"), lambda: F.truncate((1, 2), 1), lambda: F.add_token(ids, "a")):
        out.append(error(wrong))
    out.append([error(lambda: F.to_tensor(ids)), error(lambda: F.str_to_int([1]))][1])
    return out


@modern
def modules_of_sequences(torch, torchtext, tmp):
    T = torchtext.transforms  # noqa: N806
    chain = T.Sequential(
        T.StrToIntTransform(), T.Truncate(3), T.AddToken(0), T.ToTensor(padding_value=9), T.PadTransform(6, 8)
    )
    out = [chain([["1", "2", "3", "4"], ["5"]]), T.PadTransform(2, 0)(torch.arange(4)), repr(chain).count("\n")]
    torch.manual_seed(4)
    mask = T.MaskTransform(vocab_len=20, mask_idx=17, bos_idx=18, pad_idx=19, mask_prob=0.4)
    tokens = torch.tensor([[18, 3, 4, 5, 6, 7, 8, 9], [18, 1, 2, 3, 19, 19, 19, 19]])
    out += [mask(tokens), T.MaskTransform(20, 17, 18, 19, mask_bos=True, mask_prob=0.01)(tokens), torch.rand(2)]
    return out


MERGES = ["#version", "t h", "th e", "c a", "ca t", "o n", "d o", "do g", "r e", "re d", ""]


@modern
def character_bpe(torch, torchtext, tmp):
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = ["<unk>", *letters, *(c + "</w>" for c in letters), "th", "the", "the</w>", "ca", "cat", "on", "do", "dog"]
    with open(os.path.join(tmp, "encoder.json"), "w") as file:
        json.dump({token: i for i, token in enumerate(tokens)}, file)
    with open(os.path.join(tmp, "merges.txt"), "w") as file:
        file.write("\n".join(MERGES))
    paths = os.path.join(tmp, "encoder.json"), os.path.join(tmp, "merges.txt")
    kind = torchtext.transforms.CharBPETokenizer
    out = []
    for options in ({}, {"suffix": "</w>"}, {"return_tokens": True, "suffix": "</w>"}, {"special_tokens": ["the"]}):
        tokenizer = kind(*paths, unk_token="<unk>", **options)
        encoded = tokenizer(TEXTS[:4])
        out.append(
            [encoded, tokenizer("the end"), tokenizer.vocab_size, tokenizer.decode(tokenizer.encode("cat on the dog"))]
        )
    out.append(error(lambda: kind(*paths, unk_token="no")))
    out.append(error(lambda: kind(*paths, special_tokens=["no"])))
    out.append(error(lambda: kind(*paths)("QQ")))
    return out


@modern
def word_vectors(torch, torchtext, tmp):
    rows = ["4 3"] + [f"{word} {i} {i / 8} {-i * 0.1}" for i, word in enumerate(["the", "Cat", "m\u00a0at", "é"], 1)]
    with open(os.path.join(tmp, "glove.6B.3d.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    with open(os.path.join(tmp, "charNgram.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{key} {i} {-i} 0.5\n" for i, key in enumerate(["2gram-ca", "3gram-cat", "2gram-#BEGIN#c"], 1))
    with open(os.path.join(tmp, "wiki.xx.vec"), "w") as file:
        file.write("2 3\na 1 2 3\nb 4 5 6\n")
    with open(os.path.join(tmp, "wrong.txt"), "w") as file:
        file.write("a 1 2 3\nb 1 2\n")
    vocab = torchtext.vocab
    glove = vocab.GloVe("6B", dim=3, cache=tmp)
    again = vocab.GloVe("6B", dim=3, cache=tmp)
    few = vocab.GloVe("6B", dim=3, cache=tmp, max_vectors=2, unk_init=lambda x: x.fill_(7))
    grams = vocab.CharNGram(cache=tmp)
    fast = vocab.FastText("xx", cache=tmp)
    return [
        glove.itos, glove.vectors, glove.dim, len(glove), glove["nowhere"], "the" in glove, again.vectors,
        glove.get_vecs_by_tokens("the"), glove.get_vecs_by_tokens(["CAT", "The", "Cat"], lower_case_backup=True),
        few.vectors, few["é"], grams["cat"], grams["<unk>"], grams["zzz"], fast.itos, fast["b"],
        sorted(vocab.pretrained_aliases), error(lambda: vocab.Vectors("none.txt", cache=tmp))[0],
        error(lambda: vocab.Vectors("wrong.txt", cache=tmp)),
    ]  # fmt: skip


@modern
def attention(torch, torchtext, tmp):
    nn = torchtext.nn
    torch.manual_seed(0)
    out = []
    for batch_first in (False, True):
        projections = [torch.nn.Linear(8, 8) for _ in range(4)]
        container = nn.MultiheadAttentionContainer(
            2, nn.InProjContainer(*projections[:3]), nn.ScaledDotProduct(), projections[3], batch_first=batch_first
        )
        query, key = torch.randn(5, 3, 8), torch.randn(4, 3, 8)
        if batch_first:
            query, key = query.transpose(0, 1), key.transpose(0, 1)
        mask = torch.zeros(6, 5, 4, dtype=torch.bool)
        mask[:, :, 3] = True
        y, w = container(query, key, key, attn_mask=mask)
        y.sum().backward()
        out += [y, w, projections[0].weight.grad]
    layer = nn.ScaledDotProduct()
    q, k, b = torch.randn(5, 6, 4), torch.randn(4, 6, 4), torch.randn(1, 6, 4)
    out += layer(q, k, k, bias_k=b, bias_v=b, attn_mask=torch.zeros(1, 5, 4, dtype=torch.bool))
    for bad in (torch.zeros(5, 4, dtype=torch.bool), torch.zeros(2, 5, 4, dtype=torch.bool), torch.zeros(1, 5, 4)):
        out.append(error(lambda bad=bad: layer(q, k, k, attn_mask=bad)))
    return out


def set_weights(torch, model):
    """Weights that do not depend on a random generator."""
    for i, (name, p) in enumerate(sorted(model.named_parameters())):
        with torch.no_grad():
            values = torch.sin(torch.arange(p.numel(), dtype=torch.float64) * 0.37 + i).reshape(p.shape)
            p.copy_((values * 0.15 + (1 if "norm" in name and name.endswith("weight") else 0)).to(p.dtype))


@modern
def roberta(torch, torchtext, tmp):
    models = torchtext.models
    out = []
    tokens = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, 1, 1]])
    for before in (False, True):
        conf = models.RobertaEncoderConf(30, 16, 32, 1, 12, 4, 2, normalize_before=before)
        head = models.RobertaClassificationHead(3, 16)
        model = models.RobertaBundle.build_model(conf, head=head).eval()
        set_weights(torch, model)
        out += [sorted(model.state_dict()), model(tokens), model.encoder(tokens)[0], model.encoder(tokens, tokens == 5)]
        old = {old_name(name): value for name, value in model.state_dict().items()}
        again = models.RobertaBundle.build_model(conf, head=head, checkpoint=old, strict=True).eval()
        out.append(again(tokens))
    return [
        *out,
        models.XLMR_BASE_ENCODER.encoderConf.vocab_size,
        error(lambda: models.RobertaBundle.build_model(conf, checkpoint=3)),
    ]


def old_name(name):
    for new, old in {
        "self_attn.in_proj_": "attention.input_projection.", "self_attn.out_proj": "attention.output_projection",
        "linear1": "residual_mlp.mlp.0", "linear2": "residual_mlp.mlp.3", "norm1": "attention_layer_norm",
        "norm2": "final_layer_norm", "layers.layers.": "layers.",
    }.items():  # fmt: skip
        name = name.replace(new, old)
    return name


@modern
def t5(torch, torchtext, tmp):
    models = torchtext.models
    sizes = dict(embedding_dim=15, qkv_dim=6, num_attention_heads=3, num_encoder_layers=2, num_decoder_layers=2)
    sizes.update(ffn_dimension=20, vocab_size=30)
    tokens = torch.tensor([[5, 6, 7, 1, 9, 12], [8, 9, 1, 0, 0, 0]])
    out = []
    for options in ({"encoder_only": True}, {}, {"linear_head": True, "feed_forward_proj": "gated-gelu"}):
        model = models.T5Model(models.T5Conf(**sizes, **options)).double()
        set_weights(torch, model)
        result = model(tokens, None if options.get("encoder_only") else torch.tensor([[0, 3, 4], [0, 5, 0]]))
        out += [sorted(model.state_dict()), result["encoder_output"], result["decoder_output"]]
        out += [result["encoder_sa_scores"][1], len(result["encoder_hidden_states"])]
        if options.get("linear_head"):
            first = model(tokens, torch.tensor([[0], [0]]), return_past_key_values=True)
            second = model(tokens, torch.tensor([[4], [5]]), past_key_values=first["past_key_values"])
            out += [first["decoder_output"], second["decoder_output"], len(first["past_key_values"])]
            from torchtext.prototype.generate import GenerationUtils

            out.append(GenerationUtils(model).generate(tokens, max_length=4))
            out.append(model._shift_right(tokens))
    bundle = models.FLAN_T5_XL_GENERATION
    out += [bundle._path, bundle.config.ffn_dimension, bundle.config.activation, models.T5_3B.config.qkv_dim]
    out.append(error(lambda: models.T5Conf(feed_forward_proj="a-b-c")))
    return out


# -- modern datasets -----------------------------------------------------------------------------------------------


def pack(path, files):
    """Write an archive of ``{name: text}``; its kind is told by its name."""
    folder = path + ".files"
    for name, text in files.items():
        write(folder, name, text)
    if path.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for name in files:
                archive.write(os.path.join(folder, name), name)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name in files:
                archive.add(os.path.join(folder, name), name)


def compress(module, path, text):
    """Write a gzip or xz file."""
    with module.open(path, "wb") as file:
        file.write(text.encode())


CSV = '"1","Title, one","Text ""quoted"" here"\n"2","Zwei","Größe\\n ok"\n'
SQUAD = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "Some context.",
                    "qas": [
                        {
                            "question": "What?",
                            "answers": [{"text": "Some", "answer_start": 0}, {"text": "c", "answer_start": 5}],
                        },
                        {"question": "None?", "answers": []},
                    ],
                }
            ]
        }
    ]
}
IOB = "He PRP B-NP\nsat VBD B-VP\n\n\nDogs NNS B-NP\nbark VBP B-VP\n. . O\n"
STORY = "First line\n\nA sentence.\nAnother “quote”\n\n@highlight\n\nA point\n\n@highlight\n\nMore points!\n"


def folder_of(tmp, name):
    folder = os.path.join(tmp, "datasets", name)
    os.makedirs(folder, exist_ok=True)
    return folder


def archived_csv(tmp, name, folder):
    files = {f"{folder}/{split}.csv": CSV.replace("Zwei", split) for split in ("train", "test")}
    pack(os.path.join(folder_of(tmp, name), f"{folder}.tar.gz"), files)


DATASETS = {
    "AG_NEWS": lambda tmp: [write(folder_of(tmp, "AG_NEWS"), f"{s}.csv", CSV.replace("Zwei", s)) for s in ("train", "test")],
    "DBpedia": lambda tmp: archived_csv(tmp, "DBpedia", "dbpedia_csv"),
    "YelpReviewFull": lambda tmp: archived_csv(tmp, "YelpReviewFull", "yelp_review_full_csv"),
    "IMDB": lambda tmp: pack(
        os.path.join(folder_of(tmp, "IMDB"), "aclImdb_v1.tar.gz"),
        {f"aclImdb/{s}/{label}/{i}_{i}.txt": f"{label} {s} {i}<br />ok" for s in ("train", "test") for label in ("neg", "pos") for i in range(2)},
    ),
    "PennTreebank": lambda tmp: [
        write(folder_of(tmp, "PennTreebank"), f"ptb.{s}.txt", f" {s} no it was <unk> \n second N \n") for s in ("train", "valid", "test")
    ],
    "WikiText2": lambda tmp: pack(
        os.path.join(folder_of(tmp, "WikiText2"), "wikitext-2-v1.zip"),
        {f"wikitext-2/wiki.{s}.tokens": f" \n = {s} = \n text <unk> \n" for s in ("train", "valid", "test")},
    ),
    "EnWik9": lambda tmp: pack(os.path.join(folder_of(tmp, "EnWik9"), "enwik9.zip"), {"enwik9": "<page>\n  a b\n"}),
    "SST2": lambda tmp: pack(
        os.path.join(folder_of(tmp, "SST2"), "SST-2.zip"),
        {
            "SST-2/train.tsv": "sentence\tlabel\ngood film \t1\n\"bad\" one\t0\n", "SST-2/dev.tsv": "sentence\tlabel\nso so \t1\n",
            "SST-2/test.tsv": "index\tsentence\n0\tunknown film\n",
        },
    ),
    "CoLA": lambda tmp: pack(
        os.path.join(folder_of(tmp, "CoLA"), "cola_public_1.1.zip"),
        {f"cola_public/raw/{n}.tsv": "x\t1\t\tfirst \"row\ngj04\t1\t\tHe sat.\nbad row\ncj99\t0\t*\tSat he\n" for n in ("in_domain_train", "in_domain_dev", "out_of_domain_dev")},
    ),
    "MNLI": lambda tmp: pack(
        os.path.join(folder_of(tmp, "MNLI"), "multinli_1.0.zip"),
        {f"multinli_1.0/multinli_1.0_{s}.txt": "l\ta\tb\tc\td\ts1\ts2\nneutral\t\t\t\t\tP one\tH one\n-\t\t\t\t\tP\tH\ncontradiction\t\t\t\t\tP two\tH two\n" for s in ("train", "dev_matched", "dev_mismatched")},
    ),
    "MRPC": lambda tmp: [
        write(folder_of(tmp, "MRPC"), f"msr_paraphrase_{s}.txt", "Quality\t#1\t#2\ts\ts\n1\t5\t6\tA \"b\tC\n0\t1\t2\tD\tE\n") for s in ("train", "test")
    ],
    "QNLI": lambda tmp: pack(
        os.path.join(folder_of(tmp, "QNLI"), "QNLIv2.zip"),
        {f"QNLI/{s}.tsv": "i\tq\ts\tl\n0\tWhat?\tThat.\tentailment\n1\tWho?\tNo.\tnot_entailment\n" for s in ("train", "dev", "test")},
    ),
    "WNLI": lambda tmp: pack(
        os.path.join(folder_of(tmp, "WNLI"), "WNLI.zip"), {f"WNLI/{s}.tsv": "i\ta\tb\tl\n0\tOne.\tTwo.\t1\n" for s in ("train", "dev", "test")}
    ),
    "STSB": lambda tmp: pack(
        os.path.join(folder_of(tmp, "STSB"), "Stsbenchmark.tar.gz"),
        {f"stsbenchmark/sts-{s}.csv": "m\tM\t12\t0001\t2.500\tA plane.\tAn \"air plane.\n" for s in ("train", "dev", "test")},
    ),
    "QQP": lambda tmp: write(folder_of(tmp, "QQP"), "quora_duplicate_questions.tsv", 'id\ta\tb\tq1\tq2\td\n"0"\t"1"\t"2"\t"Why, so?"\t"How?"\t"0"\n'),
    "CoNLL2000Chunking": lambda tmp: [
        compress(gzip, os.path.join(folder_of(tmp, "CoNLL2000Chunking"), f"{s}.txt.gz"), IOB) for s in ("train", "test")
    ],
    "UDPOS": lambda tmp: pack(
        os.path.join(folder_of(tmp, "UDPOS"), "en-ud-v2.zip"),
        {f"en-ud-v2/en-ud-tag.v2.{s}.txt": IOB.replace(" ", "\t").replace("He", s) for s in ("train", "dev", "test")},
    ),
    "SQuAD1": lambda tmp: [write(folder_of(tmp, "SQuAD1"), f"{s}-v1.1.json", json.dumps(SQUAD)) for s in ("train", "dev")],
    "SQuAD2": lambda tmp: [write(folder_of(tmp, "SQuAD2"), f"{s}-v2.0.json", json.dumps(SQUAD)) for s in ("train", "dev")],
    "Multi30k": lambda tmp: [
        pack(
            os.path.join(folder_of(tmp, "Multi30k"), f"{archive}.tar.gz"),
            {f"{s}.{lang}": f"{lang} {s} eins \n{lang} zwei\n" for lang in ("de", "en")},
        )
        for archive, s in (("training", "train"), ("validation", "val"), ("mmt16_task1_test", "test"))
    ],
    "CC100": lambda tmp: compress(lzma, os.path.join(folder_of(tmp, "CC100"), "en.txt.xz"), "one\ntwo\n\nthree\n"),
}  # fmt: skip


def _dataset_case(name):
    def case(torch, torchtext, tmp):
        DATASETS[name](tmp)
        read = getattr(torchtext.datasets, name)
        whole = read(root=tmp)
        out = [list(whole)] if name in ("EnWik9", "QQP", "CC100") else [list(part) for part in whole]
        if name == "Multi30k":
            out.append(list(read(root=tmp, split="valid", language_pair=("en", "de"))))
        if name == "AG_NEWS":
            out += [list(read(root=tmp, split="test")), error(lambda: read(root=tmp, split="no"))]
            torch.manual_seed(2)
            out.append(
                [
                    list(read(root=tmp, split="train").shuffle()),
                    len(list(whole[0].set_shuffle() if False else whole[0])),
                ]
            )
        return out

    return case


for _name in DATASETS:
    MODERN[f"dataset_{_name}"] = _dataset_case(_name)
