"""What people say of a result: their decisions, what to ask them next, and what they see of a pair."""
