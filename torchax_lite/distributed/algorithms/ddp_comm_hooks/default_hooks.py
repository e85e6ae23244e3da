"""How gradients travel between processes: names that refuse to be used."""

from ..._placeholders import fill

fill(
    globals(),
    functions="allreduce_hook bf16_compress_hook bf16_compress_wrapper fp16_compress_hook fp16_compress_wrapper",
)
