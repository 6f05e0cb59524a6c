"""Templates in the clear, for searching: files that every process of an installation maps, and nobody backs up.

`layout` says what a file looks like, `encoding` turns rows into columns, `file` reads and writes one, `manifest`
publishes a whole generation at once, `history` keeps the root over all of them, `folder` joins them.  They are a cache:
what is lawfully kept, and the truth, is in the database, encrypted.
"""
