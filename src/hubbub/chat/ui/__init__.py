"""What the full-screen client looks like, in textual. Shows a `Talk`'s state, and tells it what people do."""
