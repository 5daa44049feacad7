"""python -m simulation --seeds 1-5000 [--jobs 2] · --seed 4711 [--trace]"""

import sys

from simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
