//! What Windlass decides: planning, inventory, prune safety, drift and health, without I/O.
