"""Line-API widgets: each draws single lines and repaints only those that changed."""
