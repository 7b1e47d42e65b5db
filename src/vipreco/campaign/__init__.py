"""Campaign batches: audience, allocation within limits, control group, lists, and the lift afterwards."""
