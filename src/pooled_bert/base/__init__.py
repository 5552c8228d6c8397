"""What every package uses and what knows nothing of learning.

Errors, files, times, devices, paths, pages. Imports no other package.
"""
