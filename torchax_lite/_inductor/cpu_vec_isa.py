"""Instruction sets that ``torch.compile`` of PyTorch generates code for: XLA generates the kernels here."""

from .._absent import fill

fill(
    globals(),
    "XLA generates the kernels here",
    classes="VecISA VecAVX2 VecAVX512",
    functions="pick_vec_isa valid_vec_isa_list",
)
