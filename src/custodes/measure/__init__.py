"""Scores to honest numbers: error rates with their counts and intervals, never a bare percentage.

It runs no search and decides nothing; it judges what others did.
"""
