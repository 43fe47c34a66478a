"""IAM: the policies of each function, and the gate before the store that holds it to them."""
