"""Treatment: what agents do, as data with sources, and how doses become damage, hazards and harm."""
