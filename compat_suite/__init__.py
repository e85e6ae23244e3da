"""Semantic cases that a module offering PyTorch's API has to pass; ``python -m compat_suite --help``.

Every case names an API, the page of PyTorch's documentation that states the behaviour, and a function that is given
the torch module and asserts. The same cases run on PyTorch itself: ``python -m compat_suite --module torch``.
"""
