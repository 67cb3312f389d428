"""Offices whose quarter stood above target and peers."""
