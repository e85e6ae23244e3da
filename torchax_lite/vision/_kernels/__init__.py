"""Array kernels of the transforms, each written once for NumPy and ``jax.numpy`` (see ``vision/_arrays.py``)."""
