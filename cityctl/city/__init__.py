"""What this city is: city.yaml as networks, zones, assets, devices, points, meters and tariffs."""
