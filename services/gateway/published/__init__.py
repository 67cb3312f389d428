"""What anybody may read: indices and alerts, as they are and as they change, less small numbers."""
