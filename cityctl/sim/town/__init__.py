"""The town itself at any instant: weather, what people use, water and power, what its devices hold."""
