"""notifier: consumes notifications (each replica all of them), pushes over WebSocket; stores nothing."""
