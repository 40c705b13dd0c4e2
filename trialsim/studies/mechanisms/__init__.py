"""Every mechanism of the model, exercised with its switch on and off in the same subjects."""
