"""Steps of the scripting compiler: functions and modules run their Python code here."""

from __future__ import annotations

from typing import Any

from .._absent import fill

__all__ = ["create_script_module"]


def create_script_module(nn_module: Any, stubs_fn: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``torch.jit.script(nn_module)``."""
    from . import script

    return script(nn_module)


fill(
    globals(),
    "torch.jit.script(module) makes a scripted module, which runs the module's Python code",
    classes="ConcreteTypeStore ScriptMethodStub",
    functions="create_methods_and_properties_from_stubs create_script_module_impl infer_concrete_type_builder "
    "infer_methods_to_compile make_stub make_stub_from_method make_stubs_from_exported_methods",
)
