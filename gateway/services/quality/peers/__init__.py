"""Other engines over the same people, as their own documentation would have them used.

Each run reads one population and says, for every question, who its best candidate is and how sure it is. Nothing here
is part of the product: the engines come with the extra ``[evaluation]`` and are imported where they are run.
"""

from gateway.services.quality.peers.ranked import ABSENT, Ranked, Tables

__all__ = ["ABSENT", "Ranked", "Tables"]
