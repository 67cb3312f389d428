"""Raises alerts by rules, tells the responsible agency, follows up. Never reads a response.

An index comes in → `detectors` read it by the `rules` → `lifecycle` moves the alert → `alerts`
writes the move and its messages in one transaction → `sender` delivers them from the `outbox`.
"""
