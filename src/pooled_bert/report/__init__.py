"""What runs have learnt, as a page.

Figures, sections, model cards. Imports results and what results may import.
"""
