"""notifier: consumes notifications and notification-policies (each replica all), produces only WebSocket
pushes; stores nothing."""
