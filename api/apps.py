from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from api.http import schema, system_checks  # noqa: F401  (registered by being imported)
