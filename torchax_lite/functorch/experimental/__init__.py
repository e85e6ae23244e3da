"""``functorch.experimental``: names that have become ``torch.func``'s."""

from torchax_lite.func import functionalize, hessian, jacfwd, jvp, replace_all_batch_norm_modules_

__all__ = ["functionalize", "hessian", "jacfwd", "jvp", "replace_all_batch_norm_modules_"]
