"""The image: what its health check runs, and a rehearsal of it."""
