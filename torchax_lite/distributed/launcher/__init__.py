"""Starts of several processes."""
