"""Why two entities are called the same: reasons from the model's own numbers, and their drawing."""
