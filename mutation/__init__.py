"""Mutation of the pure core by mutmut: whether its tests see each small change. Rule: knows no rule of Modelpass.

mutmut makes the mutants, finds the tests that reach each of them, and runs these. What is here chooses the modules
(`modules`), gives mutmut a copy of this project to work in (`workplace`), and tells what survived (`report`). A mutant
that no test can or should see is excused in `excused.toml`, with the reason.

Why mutmut: it forks a process that has everything loaded, and runs the tests of the function alone, 100 to 200 mutants
a minute. cosmic-ray starts pytest anew for each, 10 to 20 a minute, and changes neither texts nor arguments, of which
DynamoDB expressions are made. What mutmut cannot change are constants outside of functions: the clauses of the hot
writes are such, so `tests/unit/entitlements/test_expressions.py` spells them out.
"""
