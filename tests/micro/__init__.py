"""What the innermost steps cost, one by one, in time: `make bench-micro` measures, the suite runs each once.

Nothing here asserts a time. What may not grow is held by counts, in `performance`.
"""
