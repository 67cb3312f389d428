"""What the image is made of, and what its health check runs."""
