"""A RESULT as a service: records of strangers are matched against one of its graphs by its model."""
