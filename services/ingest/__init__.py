"""Checks, de-duplicates, enriches and stores responses; sets aside what is wrong. Scores nothing.

One record's way: `reading` (is it a response?) → `rules` (does it count?) → `responses` (is it
new?) → `batch` puts these together for the records of one partition and publishes the outcome.
"""
