"""The registry that a deployment starts from: CSV files for `langnghe registry load`."""
