"""Training on Kaggle: kernels are built, watched, and carried out inside Kaggle. Imports runs and the packages below it."""
