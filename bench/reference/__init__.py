"""What Kaifu is measured beside."""
