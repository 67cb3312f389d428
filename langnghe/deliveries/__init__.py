"""`langnghe deliveries`: what agencies were told, what they were not, and why; try again."""
