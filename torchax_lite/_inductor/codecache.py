"""The cache of generated kernels in PyTorch: XLA generates and caches them here."""

from .._absent import fill

fill(
    globals(),
    "compiled programs are cached by torchax_lite.engine",
    classes="AotCodeCompiler CppCodeCache FxGraphCache PyCodeCache",
    functions="extract_tensor_metadata_for_cache_key",
)
