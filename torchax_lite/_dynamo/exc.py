"""Errors of ``torch.compile``."""

from __future__ import annotations

from typing import Any


class TorchDynamoException(RuntimeError):
    """The base of the others."""


class InternalTorchDynamoError(TorchDynamoException):
    """Kept for ``except`` clauses; never raised here."""


class RecompileLimitExceeded(TorchDynamoException):
    """Kept for ``except`` clauses; never raised here."""


class Unsupported(TorchDynamoException):
    """A function cannot be traced as a whole."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)
        self.msg = msg


class UserError(Unsupported):
    """Kept for ``except`` clauses; never raised here."""


class ShortenTraceback(TorchDynamoException):
    """Kept for ``except`` clauses."""


class BackendCompilerFailed(ShortenTraceback):
    """A callable backend raised."""

    def __init__(self, backend_fn: Any, inner_exception: Exception, first_useful_frame: Any = None) -> None:
        self.backend_name = getattr(backend_fn, "__name__", str(backend_fn))
        self.inner_exception = inner_exception
        super().__init__(f"backend={self.backend_name!r} raised:\n{type(inner_exception).__name__}: {inner_exception}")


class RestartAnalysis(TorchDynamoException):
    """Kept for ``except`` clauses; never raised here."""

    def __init__(self, *args: Any, restart_reason: str | None = None) -> None:
        self.restart_reason = restart_reason
        super().__init__(*args)


class SpeculationRestartAnalysis(RestartAnalysis):
    """Kept for ``except`` clauses; never raised here."""


class UnspecializeRestartAnalysis(RestartAnalysis):
    """Kept for ``except`` clauses; never raised here."""


class TensorifyScalarRestartAnalysis(RestartAnalysis):
    """Kept for ``except`` clauses; never raised here."""


class TorchRuntimeError(TorchDynamoException):
    """Kept for ``except`` clauses; never raised here."""


class ResetRequired(TorchDynamoException):
    """Kept for ``except`` clauses; never raised here."""


class InvalidBackend(TorchDynamoException):
    """There is no backend of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Invalid backend: {name!r}, see `torch._dynamo.list_backends()` for available backends.")
