"""Tracing below the dispatcher: never under way here."""

from __future__ import annotations


def get_proxy_mode() -> None:
    """None: nothing is traced this way."""
    return None
