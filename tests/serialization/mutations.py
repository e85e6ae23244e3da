"""Damaged and forged files for test_hostile_files.py, from a seed.

python tests/serialization/mutations.py COUNT [SEED]      loads that many, and says what went wrong
"""

import io
import random
import resource
import struct
import sys
import warnings
import zipfile
import zlib

import torchax_lite as torch

FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.remove", "os.rename", "subprocess.Popen",
    "socket.connect", "shutil.rmtree", "pickle.find_class", "ctypes.dlopen",
)  # fmt: skip
"""Audit events that no loading with ``weights_only`` may raise."""

_seen: list[str] = []
_watching = False


def _watch(event, args):
    if _watching and event in FORBIDDEN:
        _seen.append(event)


sys.addaudithook(_watch)


def forbidden_events(load):
    """What ``load()`` gives or raises, and the forbidden events on the way."""
    global _watching
    _seen.clear()
    _watching = True
    try:
        result = load()
    except Exception as error:
        result = error
    finally:
        _watching = False
    return result, list(_seen)


def peak_memory():
    """Largest resident set of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def sample():
    """An object with everything that files know."""
    a = torch.arange(12.0).reshape(3, 4)
    return {
        "a": a, "row": a[1], "t": a.t(), "half": torch.ones(2).to(torch.bfloat16), "wide": torch.ones(2, 1).expand(2, 3),
        "u": torch.ones(3).to(torch.uint16), "p": torch.nn.Parameter(torch.ones(2)), "m": torch.empty(2, device="meta"),
        "list": [1, -(2**40), 2.5, "text", None, True, {3}, b"bytes", 1j], "d": torch.float32,
    }  # fmt: skip


def saved(**how):
    """The bytes of a file with :func:`sample`."""
    buffer = io.BytesIO()
    torch.save(sample(), buffer, **how)
    return buffer.getvalue()


def mutated(data, rng):
    """Some bytes changed, removed, doubled or overwritten."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(data))
        kind = rng.randrange(7)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 16)]
        elif kind == 3:
            data[at:at] = data[at : at + rng.randrange(1, 64)]
        elif kind == 4:
            number = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000])
            data[at : at + 4] = struct.pack("<I", number)
        elif kind == 5:
            data[at : at + 8] = struct.pack("<q", rng.choice([-1, 2**62, -(2**63), 2**40]))
        else:
            data[at : at + 1] = bytes([rng.choice(b"cRbQ\x81\x85\x86\x87ut(.0123\x93\x8c\x94hqjr]}")])
        if not data:
            data = bytearray(b"\0")
    return bytes(data)


def forged(archive, rng):
    """A well-formed archive whose pickle (or one storage) is mutated."""
    source = zipfile.ZipFile(io.BytesIO(archive))
    names = source.namelist()
    victim = rng.choice([n for n in names if n.endswith("data.pkl")] * 4 + [n for n in names if "/data/" in n])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name in names:
            content = source.read(name)
            z.writestr(name, mutated(content, rng) if name == victim and content else content)
    return out.getvalue()


def touch(x, depth=0):
    """Use what was loaded: small tensors are read, large ones only measured."""
    if isinstance(x, torch.Tensor):
        repr(x.dtype), x.shape, x.stride(), x.requires_grad
        if not x.is_meta and x.numel() < 10_000:
            x.detach().tolist()
    elif isinstance(x, dict) and depth < 20:
        for key, value in x.items():
            touch(key, depth + 1)
            touch(value, depth + 1)
    elif isinstance(x, (list, tuple, set)) and depth < 20:
        for value in x:
            touch(value, depth + 1)


def fuzz(seed, count):
    """Load ``count`` mutated files.

    Returns: the ways in which loading went wrong (none, if all is well), and by how many bytes memory grew.
    """
    rng = random.Random(seed)
    touch(torch.load(io.BytesIO(saved())))  # what is imported and compiled once
    before = peak_memory()
    archive, stream = saved(), saved(_use_new_zipfile_serialization=False)
    faults = []
    for i in range(count):
        kind = rng.randrange(4)
        data = mutated(archive, rng) if kind == 0 else mutated(stream, rng) if kind == 1 else forged(archive, rng)
        result, events = forbidden_events(lambda data=data: touch(torch.load(io.BytesIO(data), weights_only=True)))
        if events or isinstance(result, (SystemError, MemoryError, RecursionError)):
            faults.append((i, kind, events, repr(result)[:200]))
    return faults, peak_memory() - before


def raw_archive(records, central=None):
    """A zip file of (name, bytes), the directory from ``central`` where given: (name, bytes, offset of) entries."""
    out, places = bytearray(), []
    for name, content in records:
        places.append(len(out))
        head = struct.pack(
            "<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 0, 0, 0, zlib.crc32(content), len(content), len(content), len(name), 0
        )
        out += head + name.encode() + content
    begin = len(out)
    entries = central or [(name, content, i) for i, (name, content) in enumerate(records)]
    for name, content, place in entries:
        size, offset = (content if isinstance(content, int) else len(content)), places[place]
        crc = 0 if isinstance(content, int) else zlib.crc32(content)
        out += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 0, 0, 0, crc, size, size, len(name), 0, 0, 0, 0, 0, offset
        )
        out += name.encode()
    out += struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(entries), len(entries), len(out) - begin, begin, 0)
    return bytes(out)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    wrong, grown = fuzz(int(sys.argv[2]) if len(sys.argv) > 2 else 0, int(sys.argv[1]))
    print(f"{sys.argv[1]} files: {len(wrong)} went wrong, memory grew by {grown / 2**20:.0f} MiB", *wrong, sep="\n")
    sys.exit(bool(wrong))
