"""Tags and filters of the console's templates; templates alone load them."""
