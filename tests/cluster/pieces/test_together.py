"""All pieces at once."""
