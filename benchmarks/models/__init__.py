"""How good and how dear the recipe is beside other libraries, on public and simulated sets."""
