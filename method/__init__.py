"""How a satisfaction index is defined: pure functions over counts, one definition for every reader.

Nothing here does I/O beyond reading this folder's own versioned data. Screen, API, alert, import
and recount all come here, so that there is one meaning of "index", "window" and "counted".
"""
