"""Measurements: each is run with ``make bench-NAME`` and ends with one line of JSON."""
