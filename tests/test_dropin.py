"""The drop-in: `import torch` means this package, on request, and only then."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version

import torchax_lite
from torchax_lite import check, dropin
from torchax_lite.__main__ import main
from torchax_lite.torch_version import TorchVersion


@pytest.fixture(autouse=True)
def clean():
    """Every test starts and ends without the drop-in."""
    dropin.uninstall()
    before = list(sys.meta_path), dict(sys.modules)
    yield
    dropin.uninstall()
    assert sys.meta_path == before[0]
    left = {n for n in set(sys.modules) - set(before[1]) if n.partition(".")[0] in dropin.ROOTS}
    assert left == set()


def run(*args, cwd=None, stdin=None):
    """Run an interpreter with `args`, which finds the package under test; returns the finished process."""
    environment = os.environ | {"PYTHONPATH": str(Path(torchax_lite.__file__).parents[1])}
    command = [sys.executable, *args]
    return subprocess.run(command, cwd=cwd, input=stdin, env=environment, capture_output=True, text=True, timeout=120)


def lite(*args, cwd=None, stdin=None):
    return run("-m", "torchax_lite", *args, cwd=cwd, stdin=stdin)


# ------------------------------------------------------------------------------------------------------------- imports


def test_import_torchax_lite_alone_changes_nothing():
    code = (
        "import sys; m = list(sys.meta_path); import torchax_lite; assert sys.meta_path == m; "
        "assert not [n for n in sys.modules if n.split('.')[0] == 'torch']"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "name", ["version", "torch_version", "nn", "nn.functional", "optim", "optim.lr_scheduler", "utils.data", "autograd"]
)
def test_submodules_are_the_very_same_objects(name):
    with torchax_lite.installed():
        module = importlib.import_module(f"torch.{name}")
        assert module is importlib.import_module(f"torchax_lite.{name}")
        assert sys.modules[f"torch.{name}"] is module
        assert module.__name__ == f"torchax_lite.{name}"
        assert module.__spec__.name == f"torchax_lite.{name}"
        assert inspect.getmodule(module) is module
        found = importlib.util.find_spec(f"torch.{name}")
        assert found is not None
        assert found.origin == module.__file__


def test_every_import_form():
    with torchax_lite.installed():
        namespace: dict = {}
        exec(
            "import torch\nimport torch.torch_version\nimport torch.version as v\nfrom torch import version\n"
            "from torch.version import git_version\nfrom torch.torch_version import *",
            namespace,
        )
        assert namespace["torch"] is torchax_lite is sys.modules["torch"]
        assert namespace["v"] is namespace["version"] is sys.modules["torchax_lite.version"]
        assert namespace["TorchVersion"] is TorchVersion


def test_first_import_through_the_alias():
    code = """
        import torchax_lite
        torchax_lite.install()
        from torch.utils import data
        import torch.nn.functional as F, torch.optim.lr_scheduler, sys
        import torchax_lite.nn.functional, torchax_lite.utils.data
        assert torchax_lite.nn.functional is F is sys.modules["torch.nn.functional"]
        assert torchax_lite.utils.data is data
        assert sys.modules["torch.nn"].__spec__.name == "torchax_lite.nn"
        assert torch.optim.lr_scheduler is sys.modules["torchax_lite.optim.lr_scheduler"]
    """
    result = run("-c", textwrap.dedent(code))
    assert result.returncode == 0, result.stderr


def test_loaded_submodules_are_entered_with_torch():
    with torchax_lite.installed():
        import torch  # noqa: F401

        assert sys.modules["torch.version"] is sys.modules["torchax_lite.version"]


def test_reload_and_pickle_of_shared_modules():
    with torchax_lite.installed():
        module = importlib.import_module("torch.version")
        assert importlib.reload(module) is module
        assert pickle.loads(pickle.dumps(TorchVersion("2.13"))) == "2.13"
        assert pickle.loads(b"ctorch.torch_version\nTorchVersion\n.") is TorchVersion


def test_unknown_module_names_itself_and_the_closest():
    with torchax_lite.installed():
        with pytest.raises(ModuleNotFoundError, match=r"No module named 'torch.versoin'.*'torch.version'") as info:
            importlib.import_module("torch.versoin")
        assert info.value.name == "torch.versoin"
        with pytest.raises(ImportError):
            exec("from torch import no_such_name_at_all")
        assert importlib.util.find_spec("torch.versoin") is None


@pytest.mark.parametrize("name", ["tensor", "engine", "dropin", "interop"])
def test_own_parts_are_no_torch_modules(name):
    before = getattr(torchax_lite, name, None)
    with torchax_lite.installed():
        with pytest.raises(ModuleNotFoundError, match=f"No module named 'torch.{name}'"):
            importlib.import_module(f"torch.{name}")
        assert f"torch.{name}" not in sys.modules
    assert getattr(torchax_lite, name, None) is before


@pytest.mark.parametrize("root", ["torchvision", "torchtext"])
def test_companions_are_there_or_named(root):
    with torchax_lite.installed():
        if importlib.util.find_spec(dropin.ROOTS[root]) is None:
            with pytest.raises(ModuleNotFoundError, match=f"No module named '{root}'.*{dropin.ROOTS[root]}"):
                importlib.import_module(root)
            assert importlib.util.find_spec(root) is None
        else:
            assert importlib.import_module(root) is sys.modules[dropin.ROOTS[root]]
            assert importlib.metadata.version(root).endswith("+torchax.lite")


# ------------------------------------------------------------------------------------------------ install and uninstall


def test_install_is_idempotent_and_uninstall_restores():
    before = list(sys.meta_path)
    torchax_lite.install()
    torchax_lite.install()
    assert sum(type(f).__name__ == "_Finder" for f in sys.meta_path) == 1
    importlib.import_module("torch.version")
    torchax_lite.uninstall()
    torchax_lite.uninstall()
    assert sys.meta_path == before
    assert not [n for n in sys.modules if n.partition(".")[0] == "torch"]
    assert torchax_lite.__spec__.name == "torchax_lite"
    from multiprocessing import spawn

    assert not hasattr(spawn.get_preparation_data, "_torchax_lite")


def test_nested_contexts_and_outer_install():
    with torchax_lite.installed() as module:
        assert module is torchax_lite
        with torchax_lite.installed():
            pass
        assert dropin.is_installed()
    assert not dropin.is_installed()
    torchax_lite.install()
    with torchax_lite.installed():
        pass
    assert dropin.is_installed()


def test_context_is_left_on_error():
    with pytest.raises(ZeroDivisionError), torchax_lite.installed():
        raise ZeroDivisionError
    assert not dropin.is_installed()


def test_refused_where_a_real_torch_is_imported():
    sys.modules["torch"] = ModuleType("torch")
    try:
        with pytest.raises(RuntimeError, match="imported in this process already"):
            torchax_lite.install()
        assert not dropin.is_installed()
    finally:
        del sys.modules["torch"]


def test_a_blocked_torch_is_blocked_again_after_uninstall():
    sys.modules["torch"] = None
    try:
        with torchax_lite.installed():
            assert importlib.import_module("torch") is torchax_lite
        assert sys.modules["torch"] is None
    finally:
        del sys.modules["torch"]


def test_threads_import_while_others_install():
    errors: list[BaseException] = []

    def work():
        try:
            for _ in range(20):
                with torchax_lite.installed():
                    assert importlib.import_module("torch") is torchax_lite
                    assert importlib.import_module("torch.version").git_version
        except BaseException as error:
            errors.append(error)

    with torchax_lite.installed():
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert sys.modules["torchax_lite.version"].__spec__.name == "torchax_lite.version"


# ------------------------------------------------------------------------------------------------- metadata and version


def test_metadata():
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("torch")
    with torchax_lite.installed():
        version = importlib.metadata.version("torch")
        assert version == torchax_lite.__version__
        assert Version("2.13") <= Version(version) < Version("2.14")
        assert Version(version).local == "torchax.lite"
        found = importlib.metadata.distribution("torch")
        assert found.metadata["Name"] == found.name == "torch"
        assert list(found.entry_points) == []
        assert "torch" in {d.name for d in importlib.metadata.distributions()}
        assert importlib.metadata.version("numpy")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("torch")


@pytest.mark.parametrize(
    ("other", "less", "equal", "greater"),
    [
        # as PyTorch 2.13's TorchVersion("2.13.0+cpu") answers
        ("2.13", False, False, True),
        ((2, 13), False, False, True),
        ([2, 14], True, False, False),
        ("2.13.0+cpu", False, True, False),
        ("2.13.0", False, False, True),
        (("2", "12"), False, False, True),
        ((2, 13, "0a1"), False, False, True),
        ("parrot", True, False, False),
    ],
)
def test_torch_version_compares(other, less, equal, greater):
    version = TorchVersion("2.13.0+cpu")
    assert ((version < other), (version == other), (version > other)) == (less, equal, greater)
    assert ((version <= other), (version >= other)) == (less or equal, greater or equal)


@pytest.mark.parametrize("other", [3, None])
def test_torch_version_is_not_ordered_with_other_types(other):
    with pytest.raises(TypeError, match="not supported between"):
        TorchVersion("2.13.0") < other  # noqa: B015
    assert TorchVersion("2.13.0") != other


def test_torch_version_orders_as_packaging_does():
    texts = (
        "1.0 1.0.0 1.0.1 1!0.5 1.0a1 1.0b2 1.0rc1 1.0.dev3 1.0a1.dev2 1.0.post1 1.0.post1.dev2 1.0+cpu 1.0+cu118 1.0+9"
    )
    texts = texts.split()
    for a in texts:
        for b in texts:
            assert (TorchVersion(a) < b) == (Version(a) < Version(b)), (a, b)
            assert (TorchVersion(a) == b) == (Version(a) == Version(b)), (a, b)
    assert TorchVersion("2.13.0") >= Version("2.13")
    assert hash(TorchVersion("2.13")) == hash("2.13")


# -------------------------------------------------------------------------------------------------------- command line


def test_script_runs_as_under_python(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "helper.py").write_text("import torch\nversion = torch.__version__\n")
    script = tmp_path / "sub" / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import atexit, os, pickle, sys
            import helper
            class Thing: pass
            atexit.register(lambda: print("at exit", type(pickle.loads(pickle.dumps(Thing()))).__name__))
            if __name__ == "__main__":
                print(sys.argv, __file__, __spec__, __package__, os.path.realpath(sys.path[0]))
                print(sys.modules["__main__"].Thing is Thing, type(__builtins__).__name__)
                print(helper.version)
                sys.exit(7)
            """
        )
    )
    result = lite("sub/script.py", "--flag", "-m", "x", cwd=tmp_path)
    assert result.returncode == 7, result.stderr
    lines = result.stdout.splitlines()
    sub = (tmp_path / "sub").resolve()
    assert lines[0] == f"['sub/script.py', '--flag', '-m', 'x'] {script} None None {sub}"
    assert lines[1] == "True module"
    assert lines[2:] == [torchax_lite.__version__, "at exit Thing"]


def test_traceback_starts_in_the_script(tmp_path):
    script = tmp_path / "fails.py"
    script.write_text("def f():\n    raise KeyError('x')\n\n\nf()\n")
    result = lite(str(script))
    plain = run(str(script))
    assert result.returncode == plain.returncode == 1
    assert result.stderr == plain.stderr


def test_syntax_error_reads_as_pythons(tmp_path):
    script = tmp_path / "bad.py"
    script.write_text("x = (\n")
    assert lite(str(script)).stderr == run(str(script)).stderr


def test_module_code_stdin_zip(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    body = "import sys, torch\nprint(torch.__package__, __name__, __spec__.name, sys.argv[1:])\n"
    (tmp_path / "pkg" / "__main__.py").write_text(body)
    (tmp_path / "pkg" / "mod.py").write_text(body + "from . import __name__ as parent; print(parent)\n")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", body)
    assert lite("-m", "pkg", "a", cwd=tmp_path).stdout == "torchax_lite __main__ pkg.__main__ ['a']\n"
    assert lite("-m", "pkg.mod", "-c", cwd=tmp_path).stdout == "torchax_lite __main__ pkg.mod ['-c']\npkg\n"
    code = "import sys, torch; print(torch.__package__, __name__, sys.argv, repr(sys.path[0]))"
    assert lite("-c", code, "b", cwd=tmp_path).stdout == "torchax_lite __main__ ['-c', 'b'] ''\n"
    assert lite("-", "c", stdin=code, cwd=tmp_path).stdout == "torchax_lite __main__ ['-', 'c'] ''\n"
    assert lite("app.zip", "d", cwd=tmp_path).stdout == "torchax_lite __main__ __main__ ['d']\n"


@pytest.mark.parametrize("args", [["no_such.py"], ["-m", "no_such_module"], ["-m"], ["--nonsense"], []])
def test_command_line_errors(args, tmp_path):
    result = lite(*args, cwd=tmp_path)
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr
    assert "torchax_lite" in result.stderr + result.stdout


def test_spawned_processes_follow(tmp_path):
    script = tmp_path / "spawns.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing as mp
            import torch
            def work(x):
                return torch.__package__, x + 1
            if __name__ == "__main__":
                with mp.get_context("spawn").Pool(1) as pool:
                    print(pool.map(work, [1, 2]))
            """
        )
    )
    result = lite(str(script), cwd=tmp_path)
    assert result.stdout == "[('torchax_lite', 2), ('torchax_lite', 3)]\n", result.stderr


# --------------------------------------------------------------------------------------------------------------- check


def names(source):
    return [(f.line, f.name) for f in check.check_source(textwrap.dedent(source))[0] if not f.guarded]


def test_check_finds_every_form():
    assert names(
        """
        import torch, torch.versoin
        import torch.version as v, numpy as np
        from torch import version as w, absent
        from torch.torch_version import TorchVersion, Other
        import importlib
        V = torch.version
        print(v.cuda, v.nope, w.gone, V.missing, np.anything, torch.version.cuda.whatever)
        def f(torch, x=v.default_missing):
            return torch.anything
        class A(torch.version.NoBase):
            def g(self):
                return [v.inner for v in ()], v.outer
        getattr(torch, "by_string")
        importlib.import_module("torch.by_import")
        torch.assigned = 1
        """
    ) == [
        (2, "torch.versoin"),
        (4, "torch.absent"),
        (5, "torch.torch_version.Other"),
        (8, "torch.version.nope"),
        (8, "torch.version.gone"),
        (8, "torch.version.missing"),
        (9, "torch.version.default_missing"),
        (11, "torch.version.NoBase"),
        (13, "torch.version.outer"),
        (14, "torch.by_string"),
        (15, "torch.by_import"),
    ]


def test_check_guards_and_stars():
    findings, _ = check.check_source(
        textwrap.dedent(
            """
            try:
                from torch import absent
            except ImportError:
                absent = None
            import torch
            if hasattr(torch, "gone"):
                torch.gone()
            try:
                torch.lost
            except AttributeError:
                pass
            """
        )
    )
    assert [(f.name, f.guarded) for f in findings] == [
        ("torch.absent", True),
        ("torch.gone", True),
        ("torch.lost", True),
    ]
    assert names("from torch.version import *\nprint(cuda, nothing_like_it, len)") == [
        (2, "torch.version.nothing_like_it")
    ]


def test_check_declared_unsupported(monkeypatch):
    def planned():
        raise NotImplementedError

    planned.__unsupported__ = "needs a graph compiler"
    monkeypatch.setattr(torchax_lite, "planned_name", planned, raising=False)
    check._missing.cache_clear()
    findings, _ = check.check_source("import torch\ntorch.planned_name()")
    assert [f.reason for f in findings] == ["declared unsupported: needs a graph compiler"]


def test_check_command(tmp_path, capsys):
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("import torch\nprint(torch.version.cuda)\n")
    bad.write_text("import torch\n\nprint(torch.version.cudda)\n")
    broken = tmp_path / "broken.txt"
    broken.write_text("def (:")
    assert main(["check", str(good)]) == 0
    assert capsys.readouterr().out == "1 file, 2 torch names used, 0 missing\n"
    assert main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{bad}:3:7: torch.version.cudda: not in torchax_lite; the closest is torch.version.cuda"
    assert out[-1].endswith("1 missing")
    assert main(["check", str(broken)]) == 2
    assert not dropin.is_installed()
