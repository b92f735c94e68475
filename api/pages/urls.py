from django.urls import path

from api.pages import keys, operation, own_reviews, reviewing, sign_in, try_it
from api.pages.traffic import stored
from api.pages.versions import actions, changes, detail, overview

urlpatterns = [
    path("", try_it.try_it, name="pages-try"),
    path("wrong", try_it.wrong, name="pages-wrong"),
    path("review", reviewing.queue, name="pages-review"),
    path("review/answer", reviewing.answer, name="pages-answer"),
    path("review/skip", reviewing.skip, name="pages-skip"),
    path("review/undo", reviewing.undo, name="pages-undo"),
    path("review/mine", own_reviews.mine, name="pages-mine"),
    path("review/mine/<uuid:review>/withdraw", own_reviews.withdraw, name="pages-withdraw"),
    path("versions", overview.versions, name="pages-models"),
    path("versions/rollback", actions.roll_back, name="pages-rollback"),
    path("versions/<version:number>", detail.version, name="pages-version"),
    path("versions/<version:number>/against/<version:other>", changes.changes, name="pages-changes"),
    path("versions/<version:number>/<slug:action>", actions.act, name="pages-version-action"),
    path("traffic", stored.traffic, name="pages-traffic"),
    path("operation", operation.operation, name="pages-operation"),
    path("operation/train", operation.train, name="pages-train"),
    path("operation/runs/<uuid:run>/decide", operation.decide, name="pages-decide"),
    path("operation/audit", operation.audit, name="pages-audit"),
    path("operation/keys", keys.keys, name="pages-keys"),
    path("operation/keys/<slug:prefix>/<slug:action>", keys.act, name="pages-key-action"),
    path("sign-in", sign_in.sign_in, name="pages-sign-in"),
    path("sign-out", sign_in.sign_out, name="pages-sign-out"),
    path("password", sign_in.password, name="pages-password"),
]
