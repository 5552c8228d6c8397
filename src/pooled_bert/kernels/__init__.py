"""Training on Kaggle.

Kernels are built, watched, and carried out inside Kaggle. Imports runs and what runs may import.
"""
