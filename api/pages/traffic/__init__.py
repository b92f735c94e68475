"""The page about the service's own traffic: what clients asked, and what the stream comes to."""
