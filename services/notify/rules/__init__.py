"""What raises an alert: the kinds of rules, their file, and how each reads an index. Pure."""
