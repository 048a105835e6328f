"""Tags and filters of the console's templates; only templates load them."""
