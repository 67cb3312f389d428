"""The container image rehearsed on a Docker engine: `python -m tests.image --help`."""
