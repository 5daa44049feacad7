"""A whole cluster on this machine's loopback: PostgreSQL, NATS, nodes of hubbub and a balancer before them.

To try, to test with and to measure. It starts commands as anybody would, and knows nothing of how a server
works inside.
"""

from hubbub.cluster.balancer import Balancer
from hubbub.cluster.errors import ClusterFailed, Missing
from hubbub.cluster.nats import Nats
from hubbub.cluster.node import Node
from hubbub.cluster.postgres import Postgres
from hubbub.cluster.together import Cluster

__all__ = ["Balancer", "Cluster", "ClusterFailed", "Missing", "Nats", "Node", "Postgres"]
