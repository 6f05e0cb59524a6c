"""The pages: HTML for people, over `workflows`. No rule is decided here and nothing is stored but the session."""
