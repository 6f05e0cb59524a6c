"""All that a person can do: one function each. It asks `policy`, changes `store`, appends to `ledger`, or nothing."""
