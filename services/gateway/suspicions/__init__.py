"""Where people look at answers that are too good, and say what came of it."""
