"""What becomes of an alert: its life cycle, whether agencies are told of it, and its history."""
