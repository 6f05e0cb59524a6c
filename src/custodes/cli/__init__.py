"""One module per command of the command line; every one acts as a named, signed-in person."""
