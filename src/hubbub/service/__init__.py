"""What people do: sign in, open rooms, post, read back. The same for every transport."""
