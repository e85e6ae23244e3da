"""Record what torchtext answers: writes ``tests/data/text.json``.

    python tests/recorders/record_text.py OLD NEW [LIBRARIES]

in an environment with PyTorch 2.13, where OLD and NEW are folders with the unpacked wheels of torchtext 0.6.0 and 0.18.0
(``pip download --no-deps``), and LIBRARIES one with torchdata 0.7.1, portalocker, tokenizers, tqdm, six, requests and filelock (``pip
install --no-deps --target``). The C++ part of 0.18 does not load beside PyTorch 2.13: its module is replaced by an empty
one, and programs that need it are not recorded here; the byte-level and WordPiece tokenizers are recorded with the
tokenizers package instead.
"""

import importlib
import json
import pathlib
import sys
import tempfile
import types
import warnings

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "data" / "text.json"
sys.path.insert(0, str(HERE.parent))

import text_programs  # noqa: E402
import text_tokenizers  # noqa: E402


def load(folder):
    """torchtext of a folder, in place of the one before."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchtext"]:
        del sys.modules[name]
    sys.path.insert(0, folder)
    importlib.invalidate_caches()


def load_new(folder):
    """torchtext 0.18 without its C++ part."""
    load(folder)
    package = types.ModuleType("torchtext")
    package.__path__ = [f"{folder}/torchtext"]
    package._WARN, package._CACHE_DIR, package._TEXT_BUCKET = (
        False,
        "/nowhere",
        "https://download.pytorch.org/models/text/",
    )
    sys.modules["torchtext"] = package
    extension = types.ModuleType("torchtext._torchtext")
    names = "CLIPEncoder GPT2BPEEncoder BERTEncoder RegexTokenizer Vocab SentencePiece"
    for name in names.split():
        setattr(extension, name, type(name, (), {}))
    sys.modules["torchtext._torchtext"] = package._torchtext = extension
    for name in ("data", "functional", "vocab", "utils", "transforms", "nn", "models", "datasets"):
        setattr(package, name, importlib.import_module(f"torchtext.{name}"))
    # Our files are not the official ones.
    importlib.import_module("torchdata.datapipes.iter.util.cacheholder")._hash_check = lambda *args: True
    return package


def run(programs, torch, torchtext):
    out = {}
    for name, program in programs.items():
        with tempfile.TemporaryDirectory() as tmp:
            out[name] = text_programs.plain(program(torch, torchtext, tmp))
    return out


def main():
    old, new, *libraries = sys.argv[1:]
    sys.path[:0] = libraries
    warnings.simplefilter("ignore")
    import torch

    load(old)
    record = {"classic": run(text_programs.CLASSIC, torch, importlib.import_module("torchtext"))}
    record["modern"] = run(text_programs.MODERN, torch, load_new(new))
    record["tokenizers"] = text_tokenizers.record()
    lines = []
    for part, cases in record.items():
        rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in cases.items())
        lines.append(f"{json.dumps(part)}: {{\n{rows}\n}}")
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{OUT}: {sum(map(len, record.values()))} programs, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
