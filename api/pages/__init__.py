"""Pages for people: templates and static files stand beside the views, which call what the API calls."""
