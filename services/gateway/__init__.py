"""The HTTP edge: receives feedback, serves pages, indices, alerts and live updates.

It computes no index and owns the registry.
"""
