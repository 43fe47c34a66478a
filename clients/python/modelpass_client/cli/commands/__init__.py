"""The commands, a file for each subject. Rule: reads what was typed, asks the API, and says what came of it."""
