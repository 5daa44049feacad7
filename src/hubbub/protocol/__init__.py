"""The wire: frames, cursors and framing. Bytes in, values out, and back; no socket, task or store."""
