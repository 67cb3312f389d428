"""What messages say, in Vietnamese and English."""
