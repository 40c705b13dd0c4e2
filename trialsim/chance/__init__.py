"""Chance in compiled code: counter-based streams that lie in records, and variates drawn from them."""
