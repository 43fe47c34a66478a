"""What decides a request: one stored item for each model of a term, with its limits, windows and open holds."""
