"""Quality of the data: what can be said of readings before anything is judged by them."""
