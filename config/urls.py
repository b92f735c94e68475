from django.conf import settings
from django.urls import include, path

urlpatterns = [path("", include("api.urls")), path("", include("api.pages.urls"))]
if settings.ADMIN_ENABLED:
    from django.contrib import admin

    urlpatterns.insert(0, path("admin/", admin.site.urls))

handler400 = "api.error_pages.bad_request"
handler403 = "api.error_pages.forbidden"
handler404 = "api.error_pages.not_found"
handler500 = "api.error_pages.server_error"
