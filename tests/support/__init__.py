"""What the plays stand on: a running server, people who talk to it, a road between them that can be cut."""
