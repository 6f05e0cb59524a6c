"""Where everything is kept: tables, sealed bytes, keys. Hands out frozen values, never querysets."""
