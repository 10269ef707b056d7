"""What a mail holds: which parts become pages, in which order, and what is left out."""
