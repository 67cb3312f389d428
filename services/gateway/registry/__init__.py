"""The registry's only writer: from CSV files, checked as a whole, into `registry.entries`."""
