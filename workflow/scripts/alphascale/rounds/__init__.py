"""Studies by rounds: begin small, and train what narrows the answer most until it is sure."""
