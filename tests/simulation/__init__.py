"""The server on a virtual loop, with seeded time, disk and network. A seed is a world, always the same one.

    PYTHONPATH=tests .venv/bin/python -m simulation --seeds 1-5000
    PYTHONPATH=tests .venv/bin/python -m simulation --seed 4711 --trace
    PYTHONPATH=tests .venv/bin/python -m simulation --cluster --seeds 1-5000

The server's own code is real, from the bytes of a connection to the pages of the database file. Simulated are
what stands around it: the loop that runs it, the clocks, the disk's cache, the network and the people.
"""
