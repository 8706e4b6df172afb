"""What is made from the book: its address, editions, slides and archive. One subject a file."""
