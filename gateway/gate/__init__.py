"""The one way to person data: facts, decision, permit, and a disclosure row that is durable before anything leaves."""

from gateway.gate.came_in import Arrival, answered, arrival
from gateway.gate.gate import Gate, Passage

__all__ = ["Arrival", "Gate", "Passage", "answered", "arrival"]
