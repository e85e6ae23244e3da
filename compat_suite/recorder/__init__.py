"""Records what real PyTorch answers for every entry of its own operator sample database.

Run with a real PyTorch: ``python -m compat_suite.recorder``. See :mod:`compat_suite.recorder.__main__`.
"""
