"""The mathematics of the models: arrays in, arrays out; the one fitter and the one horizon engine."""
