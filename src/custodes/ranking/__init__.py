"""Templates to ranked candidates: exact, reproducible, and ignorant of law, users and databases.

It is not where records become searchable (`policy`) and not where templates are kept (`store`).
"""
