"""Tensors: storage, views, indexing, dtypes, devices, printing, creation. Imports in dependency order."""
