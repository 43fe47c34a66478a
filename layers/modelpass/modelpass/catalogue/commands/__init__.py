"""What operators do to the catalogue, and what is asked of it."""
