from django.conf import settings
from django.urls import include, path

urlpatterns = [path("", include("api.urls"))]
if settings.ADMIN_ENABLED:
    from django.contrib import admin

    urlpatterns.insert(0, path("admin/", admin.site.urls))

handler400 = "api.exceptions.bad_request"
handler403 = "api.exceptions.forbidden"
handler404 = "api.exceptions.not_found"
handler500 = "api.exceptions.server_error"
