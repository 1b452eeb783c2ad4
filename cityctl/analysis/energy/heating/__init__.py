"""What heat substations take and bring back."""
