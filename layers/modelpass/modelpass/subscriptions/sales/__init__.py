"""What can be sold, one module for each kind of order: who may have it, its price, and what carrying it out changes."""
