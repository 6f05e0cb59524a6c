"""Witnesses (C2SP `tlog-witness`): being one, asking one, and what it means when one stays silent."""
