"""The `langnghe` command: one file a subcommand."""
