"""Training on Kaggle.

Requests that outlast what fails, kernels and datasets that are built and pushed, runs that are watched, and the work
inside kernels. Imports runs and what runs may import.
"""
