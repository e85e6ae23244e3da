"""``python -m torchax_lite script.py args…``: runs a PyTorch program on this package, as ``python`` would run it.

::

    python -m torchax_lite script.py args…     a script, a directory or zip file with a __main__.py, or - for stdin
    python -m torchax_lite -m module args…     a module
    python -m torchax_lite -c code args…       a piece of code
    python -m torchax_lite check script.py …   lists the torch names a script uses that are not there, runs nothing
    python -m torchax_lite stats script.py …   runs (also with -m, -c), then prints the engine's statistics

Before any of it runs, ``import torch`` is made to mean this package (`torchax_lite.install`).
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import os
import pkgutil
import sys
from types import CodeType, ModuleType, TracebackType
from typing import Any

from torchax_lite import _interrupts, dropin

_USAGE = (__doc__ or "").partition("::\n\n")[2].partition("\n\n")[0]
_OWN_MAIN = sys.modules.get("__main__")  # kept alive: the program's own module takes its place


def _fail(message: str, status: int = 2) -> SystemExit:
    print(f"python -m torchax_lite: {message}", file=sys.stderr)
    return SystemExit(status)


def _set_path(first: str | None) -> None:
    """Replace ``sys.path[0]``, which the interpreter has set to the current directory (unless told not to: -P)."""
    if not sys.flags.safe_path:
        del sys.path[:1]
        if first is not None:
            sys.path.insert(0, first)


def _execute(code: CodeType, **attributes: Any) -> None:
    """Run `code` as the body of a new module ``__main__``, which stays in ``sys.modules`` until the process ends."""
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=sys.modules["builtins"], **attributes)
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)
    except Exception as error:
        # A traceback that starts at the program's first line, as under `python script.py`.
        _report(error, error.__traceback__.tb_next if error.__traceback__ else None)
        raise SystemExit(1) from None


def _report(error: Exception, traceback: TracebackType | None) -> None:
    error.__traceback__ = traceback
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    sys.excepthook(type(error), error, traceback)


def _run_code(text: str, args: list[str]) -> None:
    sys.argv = ["-c", *args]
    _set_path("")
    _execute(_compile(text, "<string>"), __spec__=None, __loader__=importlib.machinery.BuiltinImporter)


def _run_script(path: str, args: list[str]) -> None:
    sys.argv = [path, *args]
    if path == "-":
        _set_path("")
        code = _compile(sys.stdin.read(), "<stdin>")
        return _execute(code, __spec__=None, __loader__=importlib.machinery.BuiltinImporter)
    if pkgutil.get_importer(path) is not None:  # a directory or a zip file
        _set_path(path)
        return _run_found("__main__", path)
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        raise _fail(f"can't open file {os.path.abspath(path)!r}: [Errno {error.errno}] {error.strerror}") from None
    _set_path(os.path.dirname(os.path.realpath(path)))
    full = os.path.abspath(path)
    if path.endswith(".pyc"):
        loader: Any = importlib.machinery.SourcelessFileLoader("__main__", full)
        code = loader.get_code("__main__")
    else:
        loader = importlib.machinery.SourceFileLoader("__main__", full)
        code = _compile(source, full)
    return _execute(code, __file__=full, __spec__=None, __loader__=loader, __cached__=None, __package__=None)


def _compile(source: str | bytes, filename: str) -> CodeType:
    try:
        return compile(source, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        _report(error, None)
        raise SystemExit(1) from None


def _run_module(name: str, args: list[str]) -> None:
    sys.argv = ["-m", *args]
    if not sys.flags.safe_path and sys.path:
        sys.path[0] = os.getcwd()
    _run_found(name, None)


def _run_found(name: str, inside: str | None) -> None:
    """Run the module `name` as ``__main__``; `inside`: the directory or zip file that must hold it."""
    try:
        if inside is None:
            spec = importlib.util.find_spec(name)
        else:
            spec = importlib.machinery.PathFinder.find_spec(name, [inside])
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise _fail(
            f"Error while finding module specification for {name!r} ({type(error).__name__}: {error})", 1
        ) from None
    if spec is None:
        if inside is not None:
            raise _fail(f"can't find '__main__' module in {inside!r}", 1)
        raise _fail(f"No module named {name}", 1)
    if spec.submodule_search_locations is not None:
        if name.endswith(".__main__") or name == "__main__":
            raise _fail("Cannot use package as __main__ module", 1)
        return _run_found(f"{name}.__main__", inside)
    code = getattr(spec.loader, "get_code", lambda _: None)(name)
    if code is None:
        raise _fail(f"No code object available for {name}", 1)
    if inside is None:
        sys.argv[0] = spec.origin or name
    return _execute(
        code,
        __file__=spec.origin,
        __spec__=spec,
        __loader__=spec.loader,
        __cached__=spec.cached,
        __package__=spec.parent,
    )


def _print_stats() -> None:
    import torchax_lite.engine as engine

    print(engine.stats(), file=sys.stderr)


def main(argv: list[str]) -> int:
    """Run what the command line says; returns the exit status."""
    command = argv[0] if argv else "--help"
    if command in ("-h", "--help"):
        print("usage:\n" + _USAGE)
        return 0 if argv else 2
    if command in ("-V", "--version"):
        from torchax_lite.version import __version__, torchax_lite

        print(f"torchax-lite {torchax_lite} (torch {__version__})")
        return 0
    if command == "check":
        from torchax_lite.check import main as check

        return check(argv[1:])
    if command == "stats":
        import atexit

        atexit.register(_print_stats)
        argv = argv[1:]
        command = argv[0] if argv else ""
    if command in ("-m", "-c") and len(argv) < 2:
        raise _fail(f"Argument expected for the {command} option")
    if not command or (command.startswith("-") and command not in ("-m", "-c", "-")):
        raise _fail(f"unknown option {command!r}\n\nusage:\n{_USAGE}")
    _interrupts.keep()
    dropin.install()
    if command == "-c":
        _run_code(argv[1], argv[2:])
    elif command == "-m":
        _run_module(argv[1], argv[2:])
    else:
        _run_script(command, argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
