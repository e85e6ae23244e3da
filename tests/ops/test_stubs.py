"""The generated type stubs: valid Python that names every wrapper, each overload with its result."""

import ast
from pathlib import Path

import pytest

from torchax_lite.ops import generate

FILES = generate.modules()


def definitions(text):
    """(name, parameter names, result) of every function in a module or its classes."""
    tree = ast.parse(text)
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    return [
        (f.name, [a.arg for a in (*f.args.args, *f.args.kwonlyargs)], ast.unparse(f.returns) if f.returns else "")
        for f in found
    ]


@pytest.mark.parametrize("name", [n.removesuffix(".pyi") for n in FILES if n.endswith(".pyi")])
def test_a_stub_names_what_its_module_defines(name):
    stub = {n for n, _, _ in definitions(FILES[f"{name}.pyi"])}
    code = {n for n, _, _ in definitions(FILES[f"{name}.py"])}
    assert code <= stub


def test_overloads_and_results_are_told_apart():
    found = [(p, r) for n, p, r in definitions(FILES["torch_ops.pyi"]) if n == "max"]
    assert (["input", "out"], "Tensor") in found
    assert (["input", "dim", "keepdim", "out"], "_values_indices") in found
    methods = [(p, r) for n, p, r in definitions(FILES["methods.pyi"]) if n == "add_"]
    assert methods == [(["self", "other", "alpha"], "Tensor")]


def test_the_package_ships_them():
    folder = Path(generate.TARGET)
    assert {f.name for f in folder.glob("*.pyi")} == {n for n in FILES if n.endswith(".pyi")}
    setup = (folder.parent.parent / "pyproject.toml").read_text()
    assert "*.pyi" in setup and "py.typed" in setup
