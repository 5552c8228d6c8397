"""What every package uses and what knows nothing of learning: errors, files, times, devices, paths, pages. Imports nothing else."""
