"""``torch.package``: not supported; the names say what to use."""

from __future__ import annotations

from torchax_lite.compiler._absent import functions

_USE = "packages of code and weights are not supported; use torch.save for weights and torch.jit.save for programs"
_NAMES = ("PackageExporter", "PackageImporter", "Directory", "GlobGroup", "Importer", "OrderedImporter", "sys_importer")
__getattr__ = functions("torch.package", dict.fromkeys(_NAMES, _USE))


class PackagingError(Exception):
    """Kept for ``except`` clauses."""


class EmptyMatchError(Exception):
    """Kept for ``except`` clauses."""


class ObjMismatchError(Exception):
    """Kept for ``except`` clauses."""


class ObjNotFoundError(Exception):
    """Kept for ``except`` clauses."""


def is_from_package(obj: object) -> bool:
    """False: nothing comes from a package."""
    return False
