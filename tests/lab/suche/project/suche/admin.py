from django.contrib import admin

from .models import Eintrag


@admin.register(Eintrag)
class EintragAdmin(admin.ModelAdmin):
    list_display = ["frage", "sitzung", "erstellt"]
    list_filter = ["erstellt"]
    search_fields = ["frage", "antwort"]
    readonly_fields = ["erstellt"]
