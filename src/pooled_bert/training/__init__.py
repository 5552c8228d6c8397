"""One fold: a Problem in, an Outcome out. Imports models and the packages below it."""
