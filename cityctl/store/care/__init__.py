"""The care of a store: checked, healed, backed up, brought back."""
