"""What the logger reaches out with: Faust to the broker, HTTP to crm."""
