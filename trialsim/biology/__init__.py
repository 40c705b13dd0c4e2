"""Cells: the populations of a lesion, the rates at which they change, and the kernels that move them."""
