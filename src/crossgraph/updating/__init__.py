"""A RESULT that follows the changes of its graphs."""
