"""Claims about speed, as ratios that anyone can measure: each script prints JSON.

Not part of the tests: machines are noisy, so nothing here passes or fails.
"""
