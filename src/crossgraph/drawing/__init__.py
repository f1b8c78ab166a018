"""What is shown of pairs: bars and neighbourhoods as HTML and SVG that need no script and no inline style."""
