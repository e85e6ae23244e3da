"""``torch.cuda.sparse``: old constructors of sparse tensors on a GPU."""

from ..sparse._legacy import legacy_types

globals().update(legacy_types("cuda", "torch.cuda.sparse"))
