"""`langnghe backup` and `langnghe restore`."""
