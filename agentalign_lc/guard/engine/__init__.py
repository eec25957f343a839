"""The engine: asks the judges in turn and decides; pure functions over histories."""
