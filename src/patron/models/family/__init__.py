"""What models of a kind share: parameters, settings, quantities, intervals, what they accept."""
