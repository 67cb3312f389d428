"""Raises alerts by rules, tells the responsible agency, follows up. Never reads a response.

An index comes in → `rules` read it → `alerts` moves the alert, and writes the move and its messages
in one transaction → `delivery` brings them to agencies, in the words of `wording`.
"""
