"""Encoders of texts: models of packages and local folders, behind ``features.meaning.TextEncoder``."""

from crossgraph.encoding.encoder import BUILT_IN, EncodingOptions, encoder_of, require_encoder

__all__ = ["BUILT_IN", "EncodingOptions", "encoder_of", "require_encoder"]
