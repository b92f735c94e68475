"""The pages about versions of the model: how good each is, what it changed, and which one serves."""
