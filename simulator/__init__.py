"""Invented citizens for the demo, for load and for tests: calibrated, seeded, with faults.

`citizens` decides what people answer, `faults` what goes wrong on the way, `kiosks` sends it as
real kiosks would, `ledger` keeps what was acknowledged and holds the system to it.
"""
