from django.conf import settings
from django.urls import include, path

urlpatterns = [path("", include("api.urls"))]
if settings.ADMIN_ENABLED:
    from django.contrib import admin

    urlpatterns.insert(0, path("admin/", admin.site.urls))

handler400 = "api.http.problems.bad_request"
handler403 = "api.http.problems.forbidden"
handler404 = "api.http.problems.not_found"
handler500 = "api.http.problems.server_error"
