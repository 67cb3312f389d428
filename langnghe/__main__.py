"""`python -m langnghe` is `langnghe`."""

from langnghe.cli import app

app()
