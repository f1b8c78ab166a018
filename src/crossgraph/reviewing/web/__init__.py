"""The review as pages: the only room that knows the web. It needs the extra ``review``."""
