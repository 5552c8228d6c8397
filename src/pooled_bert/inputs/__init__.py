"""Rows -> what a model reads, in batches of similar length.

Knows no labels. Imports benchmarks and base.
"""
