"""Many folds and their files.

A run is trained, identified, written and read. Imports training and what training may import.
"""
