"""Makes ``import torch`` (``torchvision``, ``torchtext``, ``functorch``) mean this package in one process, on request.

``install()`` puts a finder in front of ``sys.meta_path``. It hands out the very module objects of this package under
PyTorch's names, so ``torch.nn is torchax_lite.nn``; their own ``__name__`` and ``__spec__`` stay as they are, which
keeps pickling, ``inspect`` and ``importlib.reload`` working. The same finder answers ``importlib.metadata`` questions
about the distribution ``torch``. ``uninstall()`` takes everything back. Nothing here runs at ``import torchax_lite``.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import importlib.util
import pathlib
import pkgutil
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .version import __version__ as _torch_version

if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

__all__ = ["closest_modules", "find_real", "install", "installed", "is_installed", "real_name", "uninstall"]

_PACKAGE = __name__.rpartition(".")[0]

#: PyTorch's top-level import names and what stands for each of them here.
ROOTS = {
    "torch": _PACKAGE,
    "torchvision": f"{_PACKAGE}.vision",
    "torchtext": f"{_PACKAGE}.text",
    "functorch": f"{_PACKAGE}.functorch",
}

#: The versions of the distributions that the drop-in presents.
VERSIONS = {"torch": _torch_version, "torchvision": "0.29.1+torchax.lite", "torchtext": "0.18.0+torchax.lite"}

#: Children of this package that are not modules of PyTorch: ``import torch.<name>`` must not find them. (Some, such as
#: ``tensor``, would even replace the function of the same name in the namespace.)
OWN = frozenset(
    {
        "__main__",
        "_generated",
        "check",
        "composite",
        "dropin",
        "engine",
        "functorch",
        "interop",
        "ops",
        "tensor",
        "text",
        "vision",
    }
)

_lock = threading.RLock()
_depth = 0  # how often install() was called and not yet taken back by `installed()`
_finder: _Finder | None = None
_displaced: dict[str, Any] = {}


def real_name(name: str) -> str | None:
    """The name in this package for PyTorch's module name `name`, or None where `name` is not PyTorch's."""
    root, _, rest = name.partition(".")
    if root not in ROOTS:
        return None
    return f"{ROOTS[root]}.{rest}" if rest else ROOTS[root]


def _torch_name(name: str) -> str | None:
    """PyTorch's name for this package's module `name`, or None where it has none."""
    for root in ("torchvision", "torchtext", "functorch"):
        if name == ROOTS[root] or name.startswith(ROOTS[root] + "."):
            return root + name[len(ROOTS[root]) :]
    if name == _PACKAGE:
        return "torch"
    if not name.startswith(_PACKAGE + ".") or name.split(".")[1] in OWN:
        return None
    return "torch" + name[len(_PACKAGE) :]


def find_real(name: str) -> ModuleSpec | None:
    """The spec of the module that stands for PyTorch's module `name`; loads at most that module's parents."""
    real = real_name(name)
    if real is None or _torch_name(real) != name:
        return None
    module = sys.modules.get(real)
    if module is not None:
        return module.__spec__ or ModuleSpec(real, None)
    try:
        return importlib.util.find_spec(real)
    except ModuleNotFoundError as error:
        if error.name is not None and (real == error.name or real.startswith(error.name + ".")):
            return None
        raise


@functools.cache
def _module_names() -> frozenset[str]:
    """PyTorch's names of all modules of this package, found without importing any."""
    names = {"torch"}

    def walk(paths: Iterable[str], prefix: str) -> None:
        for info in pkgutil.iter_modules(paths, prefix):
            torch_name = _torch_name(info.name)
            if torch_name is not None and not torch_name.rpartition(".")[2].startswith("_"):
                names.add(torch_name)
                if info.ispkg:
                    walk([str(pathlib.Path(p, info.name.rpartition(".")[2])) for p in paths], info.name + ".")

    walk(importlib.import_module(_PACKAGE).__path__, _PACKAGE + ".")
    return frozenset(names)


def closest_modules(name: str, count: int = 1) -> list[str]:
    """The existing module names (PyTorch's spelling) most like `name`, best first."""
    names = sorted(_module_names())
    leaf = name.rpartition(".")[2]
    same_leaf = [n for n in names if n.rpartition(".")[2] == leaf and n != name]
    close = difflib.get_close_matches(name, names, n=count, cutoff=0.6)
    return list(dict.fromkeys(same_leaf + close))[:count]


def _not_found(name: str) -> ModuleNotFoundError:
    """The error for a module of PyTorch that this package does not have; it names the closest one."""
    root = name.partition(".")[0]
    if root != "torch" and find_real(root) is None:
        text = f"No module named {name!r}: torchax_lite stands in for {root}, and this version has no {ROOTS[root]}"
    else:
        text = f"No module named {name!r}: torchax_lite has no such module"
        close = closest_modules(name)
        if close:
            text += f"; the closest is {close[0]!r}"
    return ModuleNotFoundError(text, name=name)


class _Loader(Loader):
    """Loads PyTorch's name of a module: the module itself, unchanged."""

    def __init__(self, real: str) -> None:
        self._real = real
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just put the alias's spec on the shared module.
        module.__spec__ = self._spec
        if self._real in ROOTS.values():
            # (Were `torchtext.vocab.vocab` imported later by that name, it would take the place of the function.)
            _alias_loaded()

    # What `runpy`, `inspect` and `linecache` ask of a loader, for code that found it by `find_spec`.
    def get_code(self, fullname: str) -> Any:
        return self._of_real("get_code")

    def get_source(self, fullname: str) -> str | None:
        return self._of_real("get_source")

    def is_package(self, fullname: str) -> bool:
        return bool(self._of_real("is_package"))

    def _of_real(self, method: str) -> Any:
        spec = importlib.util.find_spec(self._real)
        if spec is None or spec.loader is None:
            raise ImportError(f"loader for {self._real} cannot handle {method}", name=self._real)
        return getattr(spec.loader, method)(self._real)


def _alias_loaded() -> None:
    """Enter every module that this package has loaded into ``sys.modules`` under PyTorch's name too."""
    for real, module in list(sys.modules.items()):
        if module is not None and (name := _torch_name(real)) is not None and name != "torch":
            sys.modules.setdefault(name, module)


def _is_probe() -> bool:
    """Whether the finder was called by ``importlib.util.find_spec`` and not by an import."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__") == "importlib._bootstrap":
        frame = frame.f_back
        if frame.f_code.co_name == "_find_and_load_unlocked":
            return False
    return frame.f_globals.get("__name__") == "importlib.util"


class _Finder(MetaPathFinder):
    """Finds PyTorch's modules and distributions in this package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in ROOTS:
            return None
        found = find_real(fullname)
        if found is None:
            if _is_probe():
                return None
            raise _not_found(fullname)
        is_package = found.submodule_search_locations is not None
        spec = ModuleSpec(fullname, _Loader(found.name), origin=found.origin, is_package=is_package)
        spec.has_location = found.has_location
        if is_package:
            spec.submodule_search_locations = list(found.submodule_search_locations or ())
        return spec

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        wanted = getattr(context, "name", None)
        for name in VERSIONS:
            if (wanted is None or wanted.lower() == name) and find_real(name) is not None:
                yield _distribution_class()(name)


@functools.cache
def _distribution_class() -> Any:
    """The class of the distributions that the finder reports (made late: ``importlib.metadata`` is slow to import)."""
    from importlib.metadata import Distribution

    class _Distribution(Distribution):
        def __init__(self, name: str) -> None:
            self._texts = {
                "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSIONS[name]}\n"
                f"Summary: {name}, as provided by torchax-lite\n",
                "top_level.txt": f"{name}\n",
                "INSTALLER": "torchax-lite\n",
            }

        def read_text(self, filename: Any) -> str | None:
            return self._texts.get(str(filename))

        def locate_file(self, path: Any) -> pathlib.Path:
            return pathlib.Path(__file__).resolve().parent.parent / path

    return _Distribution


def is_installed() -> bool:
    """Whether ``import torch`` means this package now."""
    return _finder is not None


def install() -> None:
    """Make ``import torch`` mean this package, in this process, until `uninstall`.

    Calling it again changes nothing. Processes that this one starts with ``multiprocessing`` follow it.

    Raises RuntimeError where a real torch, torchvision, torchtext or functorch has been imported already.
    """
    global _finder
    with _lock:
        if _finder is not None:
            return
        entries = {n: m for n, m in list(sys.modules.items()) if n.partition(".")[0] in ROOTS}
        foreign = sorted(n for n, m in entries.items() if m is not None and not _is_ours(n, m))
        if foreign:
            raise RuntimeError(
                f"torchax_lite.install(): another {foreign[0].partition('.')[0]!r} has been imported in this process "
                f"already (sys.modules[{foreign[0]!r}]). Install the drop-in before the first import of it, or start "
                "the program with `python -m torchax_lite`."
            )
        for name in entries:
            _displaced[name] = sys.modules.pop(name)
        importlib.invalidate_caches()
        _finder = _Finder()
        sys.meta_path.insert(0, _finder)
        sys.modules[_PACKAGE].__name__ = "torch"  # what libraries compare; imports go by __package__ and __spec__
        _follow_into_children(True)


def _is_ours(name: str, module: Any) -> bool:
    return sys.modules.get(real_name(name) or "") is module


def uninstall() -> None:
    """Take `install` back: PyTorch's names leave ``sys.modules``, and a later ``import torch`` finds the real one.

    Modules that were imported meanwhile and hold this package as their ``torch`` keep it.
    """
    global _finder
    with _lock:
        if _finder is None:
            return
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(_finder)
        _finder = None
        sys.modules[_PACKAGE].__name__ = _PACKAGE
        _follow_into_children(False)
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in ROOTS and (module is None or _is_ours(name, module)):
                del sys.modules[name]
        sys.modules.update(_displaced)
        _displaced.clear()
        importlib.invalidate_caches()


@contextlib.contextmanager
def installed() -> Iterator[ModuleType]:
    """A context in which ``import torch`` means this package; yields the package.

    Contexts may be nested and entered from several threads: the last one to leave takes the drop-in away, unless
    `install` had been called outside of them.
    """
    global _depth
    with _lock:
        if _depth or not is_installed():
            install()
            _depth += 1
            counted = True
        else:
            counted = False
    try:
        yield importlib.import_module(_PACKAGE)
    finally:
        if counted:
            with _lock:
                _depth -= 1
                if _depth == 0:
                    uninstall()


class _InstallOnArrival:
    """An object whose unpickling installs the drop-in: it travels to processes that ``multiprocessing`` starts."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (install, ())


def _follow_into_children(on: bool) -> None:
    """Let processes started by ``multiprocessing`` ("spawn", "forkserver") install the drop-in before anything else.

    A new process first unpickles what ``multiprocessing.spawn.get_preparation_data`` returned, and only then runs the
    main script again.
    """
    from multiprocessing import spawn

    current: Any = spawn.get_preparation_data
    original: Any = getattr(current, "__wrapped__", None) if hasattr(current, "_torchax_lite") else None
    if on and original is None:

        @functools.wraps(current)
        def get_preparation_data(name: str) -> dict[str, Any]:
            data: dict[str, Any] = current(name)
            if is_installed():
                data["torchax_lite"] = _InstallOnArrival()
            return data

        get_preparation_data._torchax_lite = True  # type: ignore[attr-defined]
        spawn.get_preparation_data = get_preparation_data  # type: ignore[assignment]
    elif not on and original is not None:
        spawn.get_preparation_data = original
