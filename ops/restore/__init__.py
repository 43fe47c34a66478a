"""`make restore`: lets a deployment's tables hold just what restored ones hold, at any size, in bounded memory."""
