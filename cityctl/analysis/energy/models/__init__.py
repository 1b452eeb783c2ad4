"""What use depends on: models of the weather, the calendar and other causes. Arrays in, models out."""
