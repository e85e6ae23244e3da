"""Conversion of tensors to fake ones: not here."""

from .._absent import fill

fill(globals(), 'use tensor.to("meta"), which has the shape and no values', classes="MetaConverter MetaTensorDescriber")
