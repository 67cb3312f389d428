"""`langnghe import`: past answers from a file, through the same pipeline as everything else.

`mapping` says what the columns mean, `rows` reads the file, `convert` makes responses of rows,
`command` checks, sends and reports.
"""
