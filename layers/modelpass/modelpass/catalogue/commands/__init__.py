"""The commands of operators on the catalogue, and the questions that callers ask of it."""
