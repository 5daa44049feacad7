"""How the nodes of a cluster hear of each other at once. What a message means is not known here."""
