"""One module per subject; a view calls workflows and shows what they return."""
