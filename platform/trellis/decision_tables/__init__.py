"""Decision tables at work: the compiled table, LOOKUP in formulas, the form as CSV."""
