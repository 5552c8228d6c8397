"""What runs have learnt, as a page: figures, sections, model cards. Imports results and the packages below it."""
