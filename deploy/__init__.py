"""How it is run: `local` as plain processes, `image` and the compose file as containers.

`registry` and `rules` hold the data that a deployment starts from.
"""
