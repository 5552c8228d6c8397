"""Scores of finished runs -> blends -> submissions.

Imports runs and what runs may import; neither predict nor kernels.
"""
