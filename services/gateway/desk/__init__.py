"""Where agencies see their alerts with all their figures, and answer them."""
