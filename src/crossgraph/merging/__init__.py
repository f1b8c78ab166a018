"""One graph out of two and their matches, from which both can be had back."""
