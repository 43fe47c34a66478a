"""The door of customers and operators, by the HTTP API: the parts by which handlers read requests and give answers."""
