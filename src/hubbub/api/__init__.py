"""The wire's shell: HTTP, event streams and WebSocket over the services below. No SQL."""
