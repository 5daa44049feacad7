"""Why a cluster cannot be had."""


class ClusterFailed(Exception):
    """A part of it did not start, or ended by itself."""


class Missing(ClusterFailed):
    """A program that is not on this machine; the text says which, and how to get it."""
