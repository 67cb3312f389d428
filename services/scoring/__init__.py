"""Counts responses and keeps the rolling indices. Decides nothing about who is told.

bucket (unit, service field, day, item: the counts themselves, moved only inside the transaction of
`ledger`) → tally (scope, item, day or hour: sums, `tallies`) → index (scope, item: the windows,
`indices`). What follows from buckets that were `touched` is recomputed and overwritten by
`refresh`, so repeating it is harmless.
"""
