"""notifier: consumes notifications (each replica all), produces only WebSocket pushes; stores nothing."""
