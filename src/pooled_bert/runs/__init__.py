"""Many folds and their files: a run is trained, identified, written and read. Imports training and the packages below it."""
