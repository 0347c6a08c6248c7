"""Read a notebook's source: py:percent text to cells with their roles, and the faults in it."""
